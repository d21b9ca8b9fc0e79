"""The providers, by name: whose logs TraceLab reads."""

from tracelab.providers.base import Provider
from tracelab.providers.claude import CLAUDE
from tracelab.providers.codex import CODEX

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (CLAUDE, CODEX)}
