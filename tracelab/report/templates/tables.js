// Tables by column: shown as text, and downloaded as CSV.

const ROWS_AT_ONCE = 100;
const WHOLE = new Intl.NumberFormat("en");
const FRACTION = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

function shownValue(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return (Number.isInteger(value) ? WHOLE : FRACTION).format(value);
}

function tableOf(columns, title) {
  const names = Object.keys(columns);
  const count = names.length ? columns[names[0]].length : 0;
  const table = element("table");
  table.append(element("caption", {}, `${title}: ${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`));
  const head = table.createTHead().insertRow();
  const isNumber = names.map((name) => columns[name].some((value) => typeof value === "number"));
  names.forEach((name, place) => {
    head.append(element("th", { scope: "col", ...(isNumber[place] && { class: "number" }) }, name));
  });
  const body = table.createTBody();
  const more = element("button", { type: "button" });
  const show = () => {
    const end = Math.min(count, body.rows.length + ROWS_AT_ONCE);
    for (let row = body.rows.length; row < end; row += 1) {
      const cells = body.insertRow();
      names.forEach((name, place) => {
        const cell = cells.insertCell();
        cell.textContent = shownValue(columns[name][row]);
        if (isNumber[place]) cell.className = "number";
      });
    }
    more.textContent = `Show ${Math.min(ROWS_AT_ONCE, count - end).toLocaleString("en")} more rows`;
    more.hidden = end === count;
  };
  more.addEventListener("click", show);
  show();
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, table` });
  scroll.append(table);
  const download = element("button", { type: "button" }, `Download ${title}.csv`);
  download.addEventListener("click", () => saveCsv(columns, title));
  const block = element("div", { class: "table" });
  block.append(scroll, more, download);
  return block;
}

// Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay as they are.
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(columns) {
  const names = Object.keys(columns);
  const count = names.length ? columns[names[0]].length : 0;
  const lines = [names.map(csvCell).join(",")];
  for (let row = 0; row < count; row += 1) lines.push(names.map((name) => csvCell(columns[name][row])).join(","));
  return lines.join("\r\n") + "\r\n";
}

function saveCsv(columns, title) {
  const link = element("a", { download: `${title}.csv` });
  link.href = URL.createObjectURL(new Blob([csvOf(columns)], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function fillRows(place) {
  const tables = await unpackCut(`rows-${place.dataset.rows}`);
  const names = place.dataset.names.split(" ");
  place.querySelectorAll(".table").forEach((old) => old.remove());
  tables.forEach((columns, index) => {
    const title = names[index] === place.dataset.rows ? names[index] : `${place.dataset.rows}-${names[index]}`;
    place.append(tableOf(columns, title));
  });
}
