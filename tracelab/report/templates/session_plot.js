// One window of a session as a picture: its prompts, outputs and running cost by step, its tools on the clock.

const PREFIX = "#94a3b8", APPEND = "#f59e0b", OUTPUT = "#10b981", ALL = "#64748b", FAILED = "#dc2626";
const CAUSES = { idle: "triangle-down", model_change: "diamond", compaction: "square", residual: "circle" };
const WIDTH = 880;

function sessionPlot({ steps, bands, misses, compactions, calls, pauses }) {
  const edge = [steps[0].step - 0.5, steps.at(-1).step + 0.5];
  const stepAxis = (title) => ({
    field: "low", type: "quantitative", scale: { domain: edge, nice: false },
    axis: { title, grid: false, tickMinStep: 1, format: "d", labels: title !== null },
  });
  const tokenAxis = (title, tickCount) => ({
    title, tickCount, labelExpr: "format(datum.value, '~s')", minExtent: 44, maxExtent: 44,
  });
  const tooltip = [
    ["step", "Step"], ["begun", "Begun (UTC)"], ["prefix", "Prefix tokens"], ["append", "Append tokens"],
    ["output", "Output tokens"], ["generated_s", "Generation (s)"], ["waited_s", "Waited for a person (s)"],
    ["cost_usd", "Cost ($)"], ["cause", "Missed by"], ["missed", "Missed tokens"],
  ].map(([field, title]) => ({ field, title }));
  const bar = { x: stepAxis(null), x2: { field: "high" }, tooltip };
  const band = { data: { name: "bands" }, mark: { type: "rect", color: PREFIX, opacity: 0.13 }, encoding: { x: stepAxis(null), x2: { field: "high" } } };
  const heading = (text) => ({ text, anchor: "start", fontSize: 12, fontWeight: 600, offset: 6 });
  const clock = { field: "begun", type: "temporal", scale: { type: "utc" }, axis: { title: "Clock (UTC)", tickCount: 8 } };
  return {
    vconcat: [
      {
        width: WIDTH, height: 220, title: heading("Prompt: prefix read from the cache, append on top; marks say why tokens were missed"),
        layer: [
          band,
          { data: { name: "steps" }, mark: { type: "rect", color: PREFIX }, encoding: { ...bar, y: { field: "prefix", type: "quantitative", axis: tokenAxis("Tokens", 5) }, y2: { datum: 0 } } },
          { data: { name: "steps" }, mark: { type: "rect", color: APPEND }, encoding: { ...bar, y: { field: "prefix", type: "quantitative" }, y2: { field: "prompt" } } },
          { data: { name: "compactions" }, mark: { type: "rule", strokeDash: [4, 4], color: ALL }, encoding: { x: { field: "step", type: "quantitative" }, tooltip: [{ field: "before", title: "Before compaction" }, { field: "after", title: "After" }] } },
          { data: { name: "misses" }, mark: { type: "point", filled: true, size: 46, yOffset: -8, opacity: 1, color: ALL }, encoding: { x: { field: "step", type: "quantitative" }, y: { field: "prompt", type: "quantitative" }, tooltip, shape: { field: "cause", type: "nominal", scale: { domain: Object.keys(CAUSES), range: Object.values(CAUSES) }, legend: { title: null, orient: "top", labelExpr: "replace(datum.label, '_', ' ')" } } } },
        ],
      },
      {
        width: WIDTH, height: 64, title: heading("Output"),
        layer: [band, { data: { name: "steps" }, mark: { type: "rect", color: OUTPUT }, encoding: { ...bar, y: { field: "output", type: "quantitative", axis: tokenAxis("Tokens", 3) }, y2: { datum: 0 } } }],
      },
      {
        width: WIDTH, height: 64, title: heading("Running cost"),
        layer: [band, { data: { name: "steps" }, mark: { type: "line", interpolate: "step-after", color: ALL }, encoding: { x: { ...stepAxis("Step of the session (number)"), field: "step" }, y: { field: "running_usd", type: "quantitative", axis: { title: "USD", tickCount: 3, format: "$~r", minExtent: 44, maxExtent: 44 } }, tooltip } }],
      },
      {
        width: WIDTH, height: { step: 22 }, title: heading("Tools on the clock; shaded: waiting for a person; crossed: failed"),
        layer: [
          { data: { name: "pauses" }, mark: { type: "rect", color: PREFIX, opacity: 0.25 }, encoding: { x: { ...clock, field: "since" }, x2: { field: "begun" }, tooltip: [{ field: "waited_s", title: "Waited for a person (s)" }] } },
          ...["bar", "tick"].map((type) => ({
            data: { name: "calls" }, mark: type === "bar" ? { type, color: ALL, height: 9, minBandSize: 1 } : { type, color: ALL, size: 9, thickness: 1.5, opacity: 1 },
            encoding: { x: clock, ...(type === "bar" && { x2: { field: "ended" } }), y: { field: "category", type: "nominal", axis: { title: null, minExtent: 44, maxExtent: 44 } }, tooltip: [{ field: "tool", title: "Tool" }, { field: "lasted_s", title: "Lasted (s)" }, { field: "failed", title: "Failed" }, { field: "step", title: "Step" }] },
          })),
          { data: { name: "calls" }, transform: [{ filter: "datum.failed === 1" }], mark: { type: "point", shape: "cross", color: FAILED, filled: true, size: 46, opacity: 1 }, encoding: { x: clock, y: { field: "category", type: "nominal" } } },
        ],
      },
    ],
    datasets: { steps, bands, misses, compactions, calls, pauses },
    resolve: { scale: { x: "independent" } },
    spacing: 14,
  };
}

// Turns a window's columns, which say what changes from row to row, into rows that say what is.
function readWindow(packed, session, part, windowSteps) {
  const first = part * windowSteps;
  const count = packed.steps.begun.length;
  const at = (seconds) => session.started_ms + 1000 * seconds;
  const text = (column, row) => column.texts[column.places[row]];
  const steps = [];
  let begun = 0, prompt = 0, running = 0;
  for (let row = 0; row < count; row += 1) {
    const value = (name) => packed.steps[name][row];
    begun += value("begun") ?? 0;
    const isMetered = value("prefix") !== null;
    const prefix = isMetered ? prompt + value("prefix") : null;
    if (isMetered) prompt = prefix + value("append");
    running += value("cost") ?? 0;
    steps.push({
      step: first + row, low: first + row - 0.45, high: first + row + 0.45,
      request: value("request"), trigger: text(packed.steps.trigger, row), begun: at(begun), begun_s: begun,
      prefix, append: value("append"), prompt: isMetered ? prompt : null, output: value("output"),
      generated_s: tenths(value("generated")), waited_s: value("waited"),
      cost_usd: value("cost") === null ? null : value("cost") / 10000, running_usd: running / 10000,
      cause: text(packed.steps.cause, row), missed: value("missed"),
    });
  }
  const calls = [];
  let step = 0;
  for (let row = 0; row < (packed.calls?.step.length ?? 0); row += 1) {
    step += packed.calls.step[row];
    const since = at(steps[step].begun_s + packed.calls.begun[row]);
    const [category, ...tool] = text(packed.calls.name, row).split(" ");
    const lasted = packed.calls.lasted[row];
    calls.push({
      step: first + step, begun: since, ended: since + 100 * lasted, lasted_s: tenths(lasted),
      category, tool: tool.join(" "), failed: packed.calls.failed[row],
    });
  }
  const compactions = (packed.compactions?.step ?? []).map((step, row) => ({
    step: first + step, before: packed.compactions.before[row], after: packed.compactions.after[row],
  }));
  return {
    steps, calls, compactions, bands: bandsOf(steps), misses: steps.filter((row) => row.cause !== null && row.prompt !== null),
    pauses: steps.filter((row) => row.waited_s).map((row) => ({ since: row.begun - 1000 * row.waited_s, begun: row.begun, waited_s: row.waited_s })),
  };
}

function tenths(value) {
  return value === null ? null : value / 10;
}

// Every other request, as the steps that it spans.
function bandsOf(steps) {
  const spans = new Map();
  for (const { request, step } of steps) {
    if (request === null) continue;
    if (!spans.has(request)) spans.set(request, { low: step - 0.5, high: step + 0.5 });
    spans.get(request).high = step + 0.5;
  }
  return [...spans.values()].filter((_, place) => place % 2 === 0);
}
