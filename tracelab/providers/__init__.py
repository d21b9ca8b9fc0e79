"""The providers, by name: whose logs TraceLab reads, and the datasets published of them."""

from tracelab.providers.base import Provider
from tracelab.providers.claude import CLAUDE
from tracelab.providers.codex import CODEX
from tracelab.providers.published import PUBLISHED

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (CLAUDE, CODEX, PUBLISHED)}
