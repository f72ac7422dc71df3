"""A pool without containers: for people without an engine, for pictures, and for tests."""

from engine.simulation.pool import SimulatedPool
from engine.simulation.scenario import Scenario

__all__ = ["Scenario", "SimulatedPool"]
