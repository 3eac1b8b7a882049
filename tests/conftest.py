import pytest
import torch

import damlite as dl


@pytest.fixture
def env():
    return dl.IcyRoad()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def random_data():
    """2,000 transitions under random actions."""
    return dl.collect(dl.IcyRoad(), episodes=400, generator=torch.Generator().manual_seed(0))
