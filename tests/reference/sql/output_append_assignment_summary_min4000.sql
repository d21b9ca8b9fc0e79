-- METRICS §28 (see cells.sql).
select * exclude (min_output_tokens) from attributions where min_output_tokens = 4000
