// The session explorer: a list to search and sort, and one session opened.

const SESSIONS_AT_ONCE = 25;
const COLUMNS = [
  ["cost_usd", "Cost", money],
  ["steps", "Steps", whole],
  ["started_ms", "Started (UTC)", (value) => new Date(value).toISOString().slice(0, 16).replace("T", " ")],
  ["project", "Project"],
  ["requests", "Requests", whole],
  ["tool_calls", "Calls", whole],
  ["wall_s", "Lasted", duration],
  ["hit_ratio", "Hit ratio", (value) => `${(100 * value).toFixed(1)}%`],
  ["peak_context_tokens", "Peak context", whole],
  ["compactions", "Compactions", whole],
  ["model", "Model"],
  ["session_kind", "Kind"],
  ["provider", "Provider"],
];
const order = { by: "cost_usd", descending: true, shown: SESSIONS_AT_ONCE };

function whole(value) {
  return value.toLocaleString("en");
}

function money(value) {
  return value > 0 && value < 0.005 ? "<$0.01" : `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function counted(count, noun) {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} d`;
}

function isCarried(row) {
  return document.getElementById(`data-steps-${row}-0`) !== null;
}

async function listSessions() {
  const table = document.getElementById("session-table");
  if (!table) return;
  const columns = await unpack("sessions");
  const found = matching(columns);
  document.getElementById("session-count").textContent = `${whole(found.length)} of ${counted(columns.session_id.length, "session")}`;
  table.replaceChildren();
  table.append(headOf(columns));
  const body = table.createTBody();
  for (const row of found.slice(0, order.shown)) body.append(lineOf(columns, row));
  const more = element("button", { type: "button" }, `Show ${counted(Math.min(100, found.length - order.shown), "more session")}`);
  more.addEventListener("click", async () => {
    order.shown += 100;
    await listSessions();
    const next = document.querySelector(".explorer .more button") ?? document.getElementById("session-search");
    next.focus({ preventScroll: true }); // the new lines stay in view
  });
  document.querySelector(".explorer .more").replaceChildren(...(found.length > order.shown ? [more] : []));
}

function matching(columns) {
  const provider = chosen("provider"), kind = chosen("kind");
  const words = folded(document.getElementById("session-search").value).split(/\s+/);
  const rows = columns.session_id.map((_, row) => row).filter((row) => {
    const id = columns.session_id[row];
    const text = folded([id, shortId(id), ...["project", "model", "session_kind", "provider"].map((name) => columns[name][row] ?? "")].join(" "));
    return (provider === "all" || columns.provider[row] === provider)
      && (kind === "all" || columns.session_kind[row] === kind)
      && words.every((word) => text.includes(word));
  });
  const values = columns[order.by];
  const way = order.descending ? -1 : 1;
  return rows.sort((one, other) => {
    const [a, b] = [values[one], values[other]];
    if (a === b) return one - other;
    if (a === null || b === null) return a === null ? 1 : -1;
    return way * (a < b ? -1 : 1);
  });
}

// A text without case and accents.
function folded(text) {
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
}

function headOf(columns) {
  const head = document.createElement("thead");
  const line = head.insertRow();
  line.append(element("th", { scope: "col" }, "Session"));
  for (const [name, title] of COLUMNS) {
    const cell = element("th", { scope: "col" });
    const isNumber = columns[name].some((value) => typeof value === "number") && name !== "started_ms";
    if (isNumber) cell.className = "number";
    if (order.by === name) cell.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    const button = element("button", { type: "button" }, title);
    button.addEventListener("click", async () => {
      order.descending = order.by === name ? !order.descending : isNumber || name === "started_ms";
      order.by = name;
      order.shown = SESSIONS_AT_ONCE;
      await listSessions();
      document.querySelector("#session-table th[aria-sort] button").focus();
    });
    cell.append(button);
    line.append(cell);
  }
  return head;
}

function lineOf(columns, row) {
  const line = document.createElement("tr");
  const id = columns.session_id[row];
  const head = element("th", { scope: "row" });
  if (isCarried(row)) {
    const open = element("button", { type: "button", "aria-label": `Open session ${id}` }, shortId(id));
    open.addEventListener("click", () => openSession(row, 0));
    head.append(open);
  } else head.append(shortId(id));
  head.title = id;
  line.append(head);
  for (const [name, , words = String] of COLUMNS) {
    const value = columns[name][row];
    const cell = line.insertCell();
    cell.textContent = value === null ? "–" : words(value);
    if (typeof value === "number" && name !== "started_ms") cell.className = "number";
  }
  return line;
}

function shortId(id) {
  const name = id.slice(id.indexOf(":") + 1);
  return name.length > 13 ? `${name.slice(0, 8)}…${name.slice(-4)}` : name;
}

async function openSession(row, part, sought = null) {
  const [columns, packed] = await Promise.all([unpack("sessions"), unpack(`steps-${row}-${part}`)]);
  const session = Object.fromEntries(Object.keys(columns).map((name) => [name, columns[name][row]]));
  const seen = readWindow(packed, session, part * windowSteps());
  seen.sought = seen.steps.filter(({ step }) => step === sought);
  const marked = seen.sought.map(({ step }) => ` Step ${step} is marked.`).join("");
  const plot = element("div", { class: "plot", role: "img", "aria-label": `Prompt, output, cost and tools of session ${session.session_id}, step by step.${marked} The numbers are in the tables below.` });
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Steps of the session, chart" });
  scroll.append(plot);
  const place = document.getElementById("session");
  const about = seen.sought.map((step) => element("p", { class: "sought", tabindex: "-1" }, aboutStep(seen, step)));
  place.replaceChildren(
    element("h3", {}, session.session_id),
    element("p", { class: "population" }, factsOf(session).join(" · ")),
    ...windowButtons(session, row, part, sought), ...about, scroll, ...sessionTables(seen),
  );
  place.hidden = false;
  place.scrollIntoView();
  (about[0] ?? place).focus({ preventScroll: true });
  if (seen.steps.some((step) => step.prompt_tokens !== null)) await embed(plot, sessionPlot(seen));
  else scroll.replaceWith(element("p", {}, "No step of this session has a known prompt."));
}

// Opens a session that a table names, at a step; where its steps are not here, shows its line in the list.
async function lookAt(id, step) {
  const columns = await unpack("sessions");
  const row = columns.session_id.indexOf(id);
  if (isCarried(row)) return openSession(row, Math.floor(step / windowSteps()), step);
  const search = document.getElementById("session-search");
  search.value = id;
  await listSessions();
  search.focus();
}

function windowSteps() {
  return Number(document.querySelector(".explorer").dataset.window);
}

function factsOf(session) {
  return [
    session.project, session.model, counted(session.requests, "request"), counted(session.steps, "step"), counted(session.tool_calls, "tool call"),
    `${whole(session.tool_errors)} failed`, session.cost_usd === null ? "without a price" : money(session.cost_usd),
  ].filter((fact) => fact !== null);
}

function aboutStep({ calls }, step) {
  const itsCalls = calls.filter((call) => call.step === step.step);
  return [
    `Step ${whole(step.step)}, marked below`,
    step.prompt_tokens === null ? null : `${whole(step.append_tokens)} of ${whole(step.prompt_tokens)} prompt tokens appended`,
    step.miss_cause === null ? null : `${whole(step.missed_tokens)} missed: ${step.miss_cause.replace("_", " ")}`,
    itsCalls.length ? `${counted(itsCalls.length, "tool call")}, ${whole(itsCalls.filter((call) => call.is_error).length)} failed` : null,
    step.cost_usd === null ? null : money(step.cost_usd),
  ].filter((fact) => fact !== null).join(" · ");
}

function windowButtons(session, row, part, sought) {
  if (session.steps <= windowSteps()) return [];
  const line = element("p", { class: "windows" });
  for (let other = 0; other * windowSteps() < session.steps; other += 1) {
    const last = Math.min(session.steps, (other + 1) * windowSteps()) - 1;
    const button = element("button", { type: "button", "aria-pressed": String(other === part) }, `Steps ${whole(other * windowSteps())} to ${whole(last)}`);
    button.addEventListener("click", () => openSession(row, other, sought));
    line.append(button);
  }
  return [line];
}

const SESSION_TABLES = {
  steps: ["step", "request", "trigger", "started_at", "prefix_tokens", "append_tokens", "output_tokens", "generation_s", "human_wait_s", "cost_usd", "running_cost_usd", "miss_cause", "missed_tokens"],
  calls: ["step", "emitted_at", "wall_s", "tool_category", "tool_name", "is_error"],
};

function sessionTables(seen) {
  return Object.entries(SESSION_TABLES).map(([title, names]) => {
    const details = element("details");
    details.append(element("summary", {}, title === "steps" ? "Steps" : "Tool calls"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.querySelector("table")) return;
      const columns = names.map((name) => [name, seen[title].map((row) => row[name.endsWith("_at") ? `${name}_utc` : name])]);
      details.append(tableOf(Object.fromEntries(columns), title));
    });
    return details;
  });
}

for (const button of document.querySelectorAll("button[data-session]")) {
  button.addEventListener("click", () => lookAt(button.dataset.session, Number(button.dataset.step)));
}
document.getElementById("session-search")?.addEventListener("input", () => {
  order.shown = SESSIONS_AT_ONCE;
  listSessions();
});
