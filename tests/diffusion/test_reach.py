"""Sampling and likelihood run every network in evaluation mode, however the model that they are given reaches it."""

from __future__ import annotations

import functools
import types

import pytest
import torch
from torch import nn

from course_utils.diffusion import samplers
from course_utils.diffusion.likelihood import Solver, decode, encode, log_likelihood
from course_utils.diffusion.paths import VP
from course_utils.diffusion.reach import networks

PATH = VP()


class Noisy(nn.Module):
    """Its answers show its mode; `seen` holds the modes that it ran in."""

    def __init__(self):
        super().__init__()
        self.linear, self.drop, self.seen = nn.Linear(2, 2), nn.Dropout(0.5), []

    def forward(self, x, t, condition=None):
        self.seen.append(self.training or self.drop.training)
        return self.drop(self.linear(x))

    def predict(self, x, t, condition=None):
        return self(x, t)


NET = Noisy()
MODULE = types.ModuleType("mine")
MODULE.net = NET


class Attribute:
    def __init__(self, net):
        self.anything = net

    def __call__(self, x, t):
        return self._inner(x, t)

    def _inner(self, x, t):
        return self.anything(x, t)


class Slots:
    __slots__ = ("network",)

    def __init__(self, net):
        self.network = net

    def __call__(self, x, t):
        return self.network(x, t)


class Global:
    def __call__(self, x, t):
        return self.ask(x, t)

    @staticmethod
    def ask(x, t):
        return NET(x, t)


class OfTheClass:
    net = {"kept": [NET]}

    def __call__(self, x, t):
        return self.net["kept"][0](x, t)


class Child(Global):
    """Inherits all."""


class Hidden(nn.Module):
    """A network of which torch knows no part."""

    def __init__(self, net):
        super().__init__()
        self.nets = [net]

    def forward(self, x, t):
        return self.nets[0](x, t)


def helper(x, t):
    return NET(x, t)


def with_default(x, t, net=NET):
    return net(x, t)


def only_by_name(x, t, *, net=NET):
    return net(x, t)


def closure(net):
    later = None

    def inner(x, t):
        return deeper(x, t)

    def deeper(x, t):
        return net(x, t) if later is None else None

    return inner


def decorated(net):
    @functools.lru_cache(None)
    def weight():
        return 1.0

    @torch.no_grad()
    def predict(x, t):
        return weight() * net(x, t)

    return predict


REACHED = {
    "the network": lambda: NET,
    "a lambda": lambda: lambda x, t: NET(x, t),
    "a lambda in a lambda": lambda: lambda x, t: (lambda y: NET(y, t))(x),
    "a function of a global": lambda: helper,
    "a lambda that calls a function": lambda: lambda x, t: helper(x, t),
    "a closure": lambda: closure(NET),
    "a default": lambda: with_default,
    "a default by name": lambda: only_by_name,
    "a bound method": lambda: NET.predict,
    "a bound forward": lambda: NET.forward,
    "an object's method": lambda: Attribute(NET)._inner,
    "an attribute": lambda: Attribute(NET),
    "an attribute of an attribute": lambda: Attribute(Attribute(NET)),
    "slots": lambda: Slots(NET),
    "a class's attribute": OfTheClass,
    "a method of a global": Global,
    "a base class": Child,
    "a network that torch does not know": lambda: Hidden(NET),
    "a partial": lambda: functools.partial(lambda net, x, t: net(x, t), NET),
    "a partial by name": lambda: functools.partial(lambda x, t, net: net(x, t), net=NET),
    "a module": lambda: lambda x, t: MODULE.net(x, t),
    "a simple namespace": lambda: functools.partial(lambda held, x, t: held.net(x, t), types.SimpleNamespace(net=NET)),
    "a decorated function": lambda: decorated(NET),
    "a guide": lambda: samplers.guided(lambda x, t, c: NET(x, t), torch.ones(3, 1), None, 1.0),
    "a guide of a method": lambda: samplers.guided(NET.predict, None, None, 1.0),
    "a compiled function": lambda: torch.compile(lambda x, t: NET(x, t), backend="eager"),
}


@pytest.mark.parametrize("name", REACHED)
def test_no_sampler_runs_a_network_in_train_mode(name):
    NET.train()
    NET.linear.eval()
    model, x = REACHED[name](), torch.randn(3, 2)
    NET.seen.clear()
    samplers.sample_ddim(model, x, PATH, 2)
    samplers.sample_heun(model, x, PATH, 2)
    samplers.sample_pc(model, x, PATH, 2)
    samplers.sample_ode(model, x, PATH, rtol=0.1, atol=0.1)
    assert NET.seen and not any(NET.seen)
    assert [m.training for m in NET.modules()] == [True, False, True]


@pytest.mark.parametrize("name", ["a lambda", "a closure", "an attribute", "a bound method", "a partial"])
def test_no_likelihood_runs_a_network_in_train_mode(name):
    NET.train()
    model, x, solver = REACHED[name](), torch.randn(3, 2), Solver("heun", steps=2)
    NET.seen.clear()
    first, again = (log_likelihood(model, x, PATH, divergence="exact", solver=solver).logp for _ in range(2))
    assert torch.equal(first, again)
    decode(model, encode(model, x, PATH, solver=solver).x, PATH, solver=solver)
    assert NET.seen and not any(NET.seen) and NET.training


def test_every_network_gets_its_own_mode_back_after_an_error():
    first, second = Noisy(), Noisy().eval()

    def model(x, t):
        raise ZeroDivisionError(str(first.training or second.training))

    with pytest.raises(ZeroDivisionError, match="False"):
        samplers.sample_ddim(model, torch.randn(3, 2), PATH, 2)
    assert first.training and not second.training


def test_the_search_ends_and_stays_with_the_callers_own_objects():
    loop = Attribute(None)
    loop.anything = [loop, {"me": loop}, NET, object(), torch.ones(3), "a word"]
    assert set(networks(loop)) == set(NET.modules())
    assert list(networks(torch.sin)) == [] and list(networks(torch.nn.functional.softmax)) == []
    assert list(networks(3)) == []


def test_modules_that_name_each_other_end_the_search():
    here, there = types.ModuleType("here"), types.ModuleType("there")
    here.there, here.here, there.there, there.here = there, here, there, here
    here.net = net = nn.Linear(2, 2)
    exec("def model(x, t):\n    return here.there.here.net(x)", vars(there))
    assert list(networks(there.model)) == [net]
