"""All mappings of reference tables: one file of `expected/` each."""

from tests.reference.tables_cache import CACHE
from tests.reference.tables_generation import GENERATION
from tests.reference.tables_overview import OVERVIEW
from tests.reference.tables_sessions import SESSIONS
from tests.reference.tables_tokens import TOKENS
from tests.reference.tables_tools import TOOLS

TABLES = {table.file: table for table in (*OVERVIEW, *SESSIONS, *TOKENS, *GENERATION, *TOOLS, *CACHE)}
"""Reference file → how it compares."""
