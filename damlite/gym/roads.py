"""The roads as Gymnasium environments."""

import gymnasium
import numpy as np
import torch

from ..envs import IcyRoad
from ..mixture import seeded
from ..support import validate

FAR = 1000.0  # bound of the observation space: farther than any car gets


class GymRoad(gymnasium.Env):
    """One road, one agent, one step at a time; keyword arguments are those of the road.

    Observations are the state (S,) as float32, rewards r(s, a) on the state before the step. The registered
    environment is truncated after the road's horizon. Random numbers come from `reset(seed=…)`.
    """

    metadata: dict = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012 (Gymnasium's name)

    def __init__(self, road: type = IcyRoad, render_mode: str | None = None, **parameters: float) -> None:
        validate.environment_class("road", road)
        if render_mode is not None:
            validate.choice("render_mode", render_mode, self.metadata["render_modes"])
        self.road, self.render_mode = validate.environment("road", road(**parameters)), render_mode
        self.action_space = gymnasium.spaces.Discrete(self.road.n_actions)
        size = len(self.road.state_names)
        self.observation_space = gymnasium.spaces.Box(-FAR, FAR, (size,), np.float32)
        self.state, self.generator = self.road.initial_state(), None

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Back to the start."""
        super().reset(seed=seed)
        self.generator = seeded(int(self.np_random.integers(2**62)))
        self.state = self.road.initial_state()
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step of the true dynamics; ResetNeeded if there was no `reset` before it."""
        if self.generator is None:
            raise gymnasium.error.ResetNeeded("reset must be called before the first step, got a step")
        action = torch.tensor(validate.integer("action", action, least=0, most=self.road.n_actions - 1))
        reward = float(self.road.reward(self.state, action))
        self.state = self.road.transition(self.state, action).sample(generator=self.generator)
        return self._seen(), reward, False, False, {}

    def _seen(self) -> np.ndarray:
        """The state, as float32 wherever torch keeps it; a copy: who edits it moves no car."""
        return self.state.numpy(force=True).astype(np.float32)

    def render(self) -> np.ndarray | None:
        """The road from above, with its cars, as an RGB image (H, W, 3)."""
        if self.render_mode is None:
            return None
        from ..figures import roads  # here, as drawing is above the method and loads Matplotlib

        return roads.render(self.road, self.state)
