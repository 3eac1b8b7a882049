import pytest
import torch

import damlite as dl


@pytest.fixture
def env():
    return dl.IcyRoad()


@pytest.fixture
def generator():
    return dl.seeded(0)


@pytest.fixture(scope="session")
def random_data():
    """2,000 transitions under random actions."""
    return dl.collect(dl.IcyRoad(), episodes=400, generator=dl.seeded(0))


@pytest.fixture
def double():
    """float64 is the default."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def three_threads():
    """A caller with three torch threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)
