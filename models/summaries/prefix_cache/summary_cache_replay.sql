-- One row per cut, population of steps and measure: how far counters are from those of
-- a cache that held the prompt before.
with
    steps as not materialized(select * from {{ ref("sim_cache_replay") }}),
    populations as (
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            'pairs' as population,
            'prefix' as part,
            columns('prefix_error')
        from steps
        where prefix_error is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            'pairs' as population,
            'append' as part,
            columns('append')
        from steps
        where prefix_error is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            'pairs' as population,
            'output' as part,
            columns('previous_.*output|cache_write_less')
        from steps
        where prefix_error is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            trigger,
            'pairs' as population,
            'output' as part,
            append_less_output,
            cache_write_less_output
        from steps
        where prefix_error is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            if(
                append_less_output < 0, 'append_below_output', 'append_covers_output'
            ) as population,
            'covered' as part,
            if(append_less_output < 0, - append_less_output, null) as lacking_output,
            columns('append_tokens|previous_|_chars')
        from steps
        where append_less_output is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            'visible_output_from' as population,
            'thresholds' as part,
            threshold,
            columns('prefix_error$|append_tokens|previous_')
        from steps
        inner join
            (select unnest([1000, 4000, 8000, 16000]) as threshold)
            on previous_visible_output >= threshold
        union all by name
        select
            provider,
            session_kind,
            model,
            unnest(['all', trigger]) as trigger,
            'input_chars_to' as population,
            'thresholds' as part,
            threshold,
            columns('input_chars|append_tokens|(previous|less)_output|adjusted_append')
        from steps
        inner join
            (select unnest([50, 100]) as threshold)
            on input_chars <= threshold
            and append_less_output is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            'all' as trigger,
            text_kind || '_from' as population,
            'thresholds' as part,
            threshold,
            all_chars as input_chars,
            columns('(input|prefix|append|cache_write|plain)_tokens')
        from
            (select *, input_chars as all_chars from steps where input_chars >= 1000)
            unpivot (chars for text_kind in (message_chars, result_chars, input_chars))
        inner join
            (select unnest([1000, 5000, 10000, 50000, 100000, 500000]) as threshold)
            on chars >= threshold
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            trigger,
            population,
            threshold,
            {
                'count':count(columns('_(error|tokens|output|append|chars|reasoning)')),
                'mean':avg(columns('_(error|tokens|output|append|chars|reasoning)')),
                'at':quantile_cont(
                    columns('_(error|tokens|output|append|chars|reasoning)'),
                    [0, 0.1, 0.5, 0.9, 0.95, 0.99, 1]
                )::double[]
            } as "\0"
        from populations
        where {{ is_in_part("part") }}
        group by {{ cuts() }}, trigger, population, threshold
    )
select
    provider,
    session_kind,
    model,
    trigger,
    population,
    threshold::bigint as threshold,
    measure,
    found.count as count,
    found.mean as mean,
    found.at[1] as min,
    found.at[2] as p10,
    found.at[3] as p50,
    found.at[4] as p90,
    found.at[5] as p95,
    found.at[6] as p99,
    found.at[7] as max
from
    described unpivot (
        found for measure in (columns('_(error|tokens|output|append|chars|reasoning)'))
    )
where found.count > 0
