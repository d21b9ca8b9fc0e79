// One window of a session as a picture: prompts, outputs and running cost by step, tools on the clock.

const COLOURS = { prefix: "#94a3b8", append: "#f59e0b", output: "#10b981", plain: "#64748b", failed: "#dc2626" };
const CAUSES = { idle: "triangle-down", model_change: "diamond", compaction: "square", restart: "triangle-right", residual: "circle" };
const PLOT_WIDTH = 880;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function sessionPlot(seen) {
  const { steps } = seen;
  const timed = seen.calls.filter((call) => call.emitted_at !== null);
  const causes = Object.keys(CAUSES).filter((cause) => seen.misses.some((step) => step.miss_cause === cause));
  const panel = (title, height, layer) => ({
    width: PLOT_WIDTH, height, layer, title: { text: title, anchor: "start", fontSize: 12, fontWeight: 600, offset: 6 },
  });
  const domain = [steps[0].step - 0.5, steps.at(-1).step + 0.5];
  const stepX = (axis) => ({ field: "low", type: "quantitative", scale: { domain, nice: false }, axis: { grid: false, title: null, labels: false, ...axis } });
  const amount = (field, axis) => ({ field, type: "quantitative", axis: { labelExpr: "format(datum.value, '~s')", minExtent: 44, maxExtent: 44, ...axis } });
  const of = (...names) => names.map((name) => ({ field: name.endsWith("_at") ? `${name}_utc` : name, type: "nominal", title: name }));
  const tooltip = of("step", "started_at", "prefix_tokens", "append_tokens", "output_tokens", "generation_s", "human_wait_s", "cost_usd", "miss_cause", "missed_tokens");
  const band = (axis) => ({ data: { name: "bands" }, mark: { type: "rect", color: COLOURS.prefix, opacity: 0.13 }, encoding: { x: stepX(axis), x2: { field: "high" } } });
  const bars = (color, from, to, axis) => ({
    data: { name: "steps" }, mark: { type: "rect", color },
    encoding: { x: stepX(), x2: { field: "high" }, y: amount(to, axis), y2: from, tooltip },
  });
  const misses = {
    data: { name: "misses" }, mark: { type: "point", style: "sign", filled: true, size: 46, yOffset: -8, opacity: 1 },
    encoding: {
      x: { field: "step", type: "quantitative" }, y: { field: "prompt_tokens", type: "quantitative" }, tooltip,
      shape: {
        field: "miss_cause", type: "nominal", scale: { domain: Object.keys(CAUSES), range: Object.values(CAUSES) },
        legend: causes.length ? { title: "missed, by cause", values: causes, titleOrient: "left", orient: "top", labelExpr: "replace(datum.label, '_', ' ')" } : null,
      },
    },
  };
  const compactions = {
    data: { name: "compactions" }, mark: { type: "rule", strokeDash: [4, 4], color: COLOURS.plain },
    encoding: { x: { field: "step", type: "quantitative" }, tooltip: of("step", "pre_tokens", "post_tokens") },
  };
  const sought = {
    data: { name: "sought" }, mark: { type: "rule", style: "sign", strokeWidth: 1.5, opacity: 0.4 },
    encoding: { x: { field: "step", type: "quantitative" } },
  };
  // under the plot, where it covers nothing
  const isLate = seen.sought.some(({ step }) => step > domain[0] + 0.8 * (domain[1] - domain[0]));
  const pointers = [
    { type: "point", style: "sign", shape: "triangle-up", filled: true, size: 70, opacity: 1 },
    { type: "text", style: "label", baseline: "middle", align: isLate ? "right" : "left", dx: isLate ? -9 : 9, text: { expr: "'step ' + format(datum.step, ',')" } },
  ].map((mark) => ({ ...sought, mark: { ...mark, y: 228 } }));
  const running = {
    data: { name: "steps" }, mark: { type: "line", interpolate: "step-after", color: COLOURS.plain },
    encoding: { x: { field: "step", type: "quantitative" }, y: amount("running_cost_usd", { title: "USD", tickCount: 3, labelExpr: "format(datum.value, '$~r')" }), tooltip },
  };
  const isPriced = steps.some((step) => step.running_cost_usd !== null);
  const span = timed.length ? Math.max(...timed.map((call) => call.result_at)) - Math.min(...timed.map((call) => call.emitted_at)) : 0;
  const clock = (field) => ({
    field, type: "temporal", scale: { type: "utc" },
    axis: { title: "Clock (UTC)", tickCount: 8, format: span < 10 * MINUTE_MS ? "%H:%M:%S" : span < DAY_MS ? "%H:%M" : "%b %d, %H:%M" },
  });
  const kind = { field: "tool_category", type: "nominal", axis: { title: null, minExtent: 44, maxExtent: 44 } };
  const call = (mark, x2) => ({
    data: { name: "timed" }, mark: { color: COLOURS.plain, ...mark },
    encoding: { x: clock("emitted_at"), ...x2, y: kind, tooltip: of("tool_name", "emitted_at", "wall_s", "is_error", "step") },
  });
  const pauses = {
    data: { name: "pauses" }, mark: { type: "rect", color: COLOURS.prefix, opacity: 0.25 },
    encoding: { x: clock("waiting_at"), x2: { field: "started_at" }, tooltip: of("human_wait_s", "started_at") },
  };
  const failed = { ...call({ type: "point", shape: "cross", filled: true, size: 46, opacity: 1, color: COLOURS.failed }), transform: [{ filter: "datum.is_error" }] };
  return {
    vconcat: [
      panel(`Prompt: cached prefix (grey), append (amber) on top; a band is a request${seen.compactions.length ? "; dashed: compacted" : ""}`, 220, [
        band(), sought, bars(COLOURS.prefix, { datum: 0 }, "prefix_tokens", { title: "Tokens", tickCount: 5 }),
        bars(COLOURS.append, { field: "prefix_tokens" }, "prompt_tokens"), compactions, misses, ...pointers,
      ]),
      panel("Output", 64, [band(), sought, bars(COLOURS.output, { datum: 0 }, "output_tokens", { title: "Tokens", tickCount: 3 })]),
      panel(`Running cost${isPriced ? "" : ": no price"}`, 64, [band({ title: "Step of the session (number)", labels: true, values: wholesOf(steps), format: "d" }), sought, ...(isPriced ? [running] : [])]),
      panel("Tools on the clock; shaded: waiting for a person; crossed: failed", { step: 22 }, [
        pauses, call({ type: "bar", height: 9 }, { x2: { field: "result_at" } }), call({ type: "tick", size: 9, thickness: 1.5, opacity: 1 }), failed,
      ]),
    ],
    datasets: { ...seen, timed },
    resolve: { scale: { x: "independent" } },
    spacing: 14,
  };
}

// At most a dozen steps to label, evenly apart.
function wholesOf(steps) {
  const apart = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((count) => steps.length <= 12 * count) ?? 2000;
  return steps.map(({ step }) => step).filter((step) => step % apart === 0);
}

// A window's columns say what changes from row to row (see sessions.py): here they become rows that say what is.
function readWindow(packed, session, first) {
  const at = (seconds) => 1000 * (Math.floor(session.started_ms / 1000) + seconds);
  const text = (column, row) => column.texts[column.places[row]];
  const steps = [];
  const started = [];
  let seconds = 0, prompt = 0, cost = packed.spent;
  packed.steps.begun.forEach((begun, row) => {
    const of = (name) => packed.steps[name][row];
    seconds += begun ?? 0;
    cost += of("cost") ?? 0;
    const isMetered = of("prefix") !== null;
    const prefix = isMetered ? prompt + of("prefix") : null;
    if (isMetered) prompt = prefix + of("append");
    started.push(begun === null ? null : seconds);
    const startedAt = begun === null ? null : at(seconds);
    steps.push({
      step: first + row, low: first + row - 0.45, high: first + row + 0.45,
      request: of("request"), trigger: text(packed.steps.trigger, row),
      started_at: startedAt, started_at_utc: instant(startedAt),
      prefix_tokens: prefix, append_tokens: of("append"), prompt_tokens: isMetered ? prompt : null, output_tokens: of("output"),
      generation_s: tenths(of("generated")), human_wait_s: of("waited"),
      cost_usd: of("cost") === null ? null : of("cost") / 1_000_000, running_cost_usd: session.cost_usd === null ? null : cost / 1_000_000,
      miss_cause: text(packed.steps.cause, row), missed_tokens: of("missed"),
    });
  });
  const calls = [];
  let place = 0;
  (packed.calls?.step ?? []).forEach((step, row) => {
    place += step;
    const begun = packed.calls.begun[row], lasted = packed.calls.lasted[row];
    const emitted = begun === null ? null : at((started[place] ?? 0) + begun);
    const [category, ...name] = text(packed.calls.name, row).split(" ");
    calls.push({
      step: first + place, emitted_at: emitted, emitted_at_utc: instant(emitted), result_at: emitted + 100 * lasted, wall_s: tenths(lasted),
      tool_category: category, tool_name: name.join(" "), is_error: packed.calls.failed[row] === null ? null : packed.calls.failed[row] === 1,
    });
  });
  const compactions = (packed.compactions?.step ?? []).map((step, row) => ({
    step: first + step, pre_tokens: packed.compactions.before[row], post_tokens: packed.compactions.after[row],
  }));
  const misses = steps.filter((step) => step.miss_cause !== null && step.prompt_tokens !== null);
  const pauses = steps.filter((step) => step.human_wait_s && step.started_at !== null).map((step) => ({ ...step, waiting_at: step.started_at - 1000 * step.human_wait_s }));
  return { steps, calls, compactions, misses, pauses, bands: bandsOf(steps) };
}

// An instant in UTC, to the second; null where it is unknown.
function instant(value) {
  return value === null ? null : new Date(value).toISOString().slice(0, 19).replace("T", " ");
}

function tenths(value) {
  return value === null ? null : value / 10;
}

// Every other request, as the steps that it spans.
function bandsOf(steps) {
  const spans = new Map();
  for (const { request, step } of steps) {
    if (request === null) continue;
    if (!spans.has(request)) spans.set(request, { low: step - 0.5 });
    spans.get(request).high = step + 0.5;
  }
  return [...spans.values()].filter((_, place) => place % 2 === 0);
}
