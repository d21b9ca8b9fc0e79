-- One row per problem met while loading.
select file_id, line_no, byte_offset, reason, detail
from {{ source("raw", "load_issues") }}
