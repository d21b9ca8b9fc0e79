-- One row per cut, population of steps and test: how many act as with a kept prompt.
with
    steps as (
        select
            *,
            prefix_error_size <= 0 as prefix_error_within_0,
            prefix_error_size <= 1 as prefix_error_within_1,
            prefix_error_size <= 2 as prefix_error_within_2,
            prefix_error_size <= 8 as prefix_error_within_8,
            prefix_error_size <= 32 as prefix_error_within_32,
            prefix_error_size <= 128 as prefix_error_within_128,
            prefix_error_size <= 512 as prefix_error_within_512,
            prefix_error_size <= 2048 as prefix_error_within_2048,
            prefix_error_share <= 0.01 as prefix_error_within_1_percent,
            prefix_error_share <= 0.05 as prefix_error_within_5_percent,
            prefix_error_with_output_size <= 8 as prefix_error_with_output_within_8,
            append_less_output < 0 as append_below_output,
            append_less_output <= 0 as append_within_output,
            append_less_output = 0 as append_equals_output,
            append_less_output >= 0 as append_covers_output,
            append_less_visible_output >= 0 as append_covers_visible_output,
            cache_write_less_output >= 0 as cache_write_covers_output,
            4 * append_tokens >= input_chars as append_covers_input
        from {{ ref("sim_cache_replay") }}
    ),
    populations as (
        select
            provider,
            session_kind,
            model,
            trigger,
            'pairs' as population,
            columns('(prefix|append|cache)_.*(within|below|equals|covers.*output).*')
        from steps
        where prefix_error_within_0 is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            trigger,
            if(
                append_below_output, 'append_below_output', 'append_covers_output'
            ) as population,
            input_chars <= 100 as input_chars_within_100,
            input_chars <= 500 as input_chars_within_500,
            input_chars <= 1000 as input_chars_within_1000
        from steps
        where append_less_output is not null
        union all by name
        select
            provider,
            session_kind,
            model,
            trigger,
            'visible_output_from' as population,
            threshold,
            append_covers_output,
            append_covers_visible_output
        from steps
        inner join
            (select unnest([1000, 4000, 8000, 16000]) as threshold)
            on previous_visible_output >= threshold
        union all by name
        select
            provider,
            session_kind,
            model,
            trigger,
            'input_chars_to' as population,
            threshold,
            append_below_output
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
            trigger,
            text_kind || '_from' as population,
            threshold,
            append_covers_input
        from
            (select * from steps where input_chars >= 1000)
            unpivot (chars for text_kind in (message_chars, result_chars, input_chars))
        inner join
            (select unnest([1000, 5000, 10000, 50000, 100000, 500000]) as threshold)
            on chars >= threshold
    ),
    counted as (
        select
            provider,
            session_kind,
            model,
            trigger,
            population,
            threshold,
            {
                'steps':count(columns('_(within|below|equals|covers)_')),
                'passed':count_if(columns('_(within|below|equals|covers)_'))
            } as "\0"
        from populations
        group by all
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("trigger") }},
    population,
    threshold::bigint as threshold,
    test,
    sum(found.steps)::bigint as steps,
    sum(found.passed)::bigint as passed_steps,
    passed_steps / steps as passed_share
from counted unpivot (found for test in (columns('_(within|below|equals|covers)_')))
where found.steps > 0
group by {{ cuts() }}, grouping sets ((), (trigger)), population, threshold, test
