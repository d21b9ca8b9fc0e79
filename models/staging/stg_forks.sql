-- One row per session that was forked and session it goes back to, near or far.
with recursive
    forks as (
        select distinct session_id, forked_from_session_id as origin_session_id
        from {{ source("raw", "sessions") }}
        where forked_from_session_id is not null
    ),
    origins as (
        select *
        from forks
        union
        select origins.session_id, forks.origin_session_id
        from origins
        inner join forks on origins.origin_session_id = forks.session_id
    )
select session_id, origin_session_id
from origins
