-- One row per source file: what was read of it.
select
    file_id,
    provider,
    user_name,
    store,
    size_bytes,
    mtime_at,
    consumed_bytes,
    lines,
    bad_lines,
    objects,
    records_by_type,
    steps,
    synthetic_rows,
    rows_without_id,
    usage_echoes,
    hosted_calls,
    first_at,
    last_at,
    loaded_at,
    status,
    error
from {{ source("raw", "files") }}
