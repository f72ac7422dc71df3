"""What a simulated pool is put through."""

from __future__ import annotations

import math
from dataclasses import dataclass

PROGRAMS = (
    "print(sum(range(10_000_000)))",
    "import json, sys; data = json.load(sys.stdin)",
    "df = [row.split(',') for row in open('sales.csv')]",
    "primes = [n for n in range(2, 10**5) if is_prime(n)]",
    "from statistics import mean, stdev",
    "matrix = [[i * j for j in range(500)] for i in range(500)]",
    "import re; hits = re.findall(pattern, text)",
    "assert fibonacci(90) == 2880067194370816120",
    "def solve(board): ...",
    "words = Counter(open('moby.txt').read().split())",
)
"""First lines of programs, as tiles show them."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How big the pool is, how much is asked of it, and how much goes wrong."""

    seed: int = 7
    initial_size: int = 10
    min_size: int = 6
    max_size: int = 24
    arrivals: float = 7.0
    """Programs a second, on average."""
    swing: float = 0.9
    """Share by which the load rises and falls."""
    period: float = 120.0
    """Seconds from one peak to the next."""
    run_time: float = 0.7
    """Median seconds of a program."""
    deaths: float = 0.002
    """Share of programs whose container dies under them."""
    dirty: float = 0.002
    """Share of scrubs that find something left."""
    unhealthy: float = 0.02
    """Share of health checks that fail."""
    creation_error: str = ""
    """Why no container can be made; empty if they can."""
    isolated: bool = True

    def rate(self, at: float) -> float:
        """Programs a second at a moment, in seconds from the beginning."""
        return self.arrivals * (1 + self.swing * math.sin(math.tau * at / self.period))
