// What the reader does: chooses a part of the workload, opens tables and definitions, scrolls.

const figures = [...document.querySelectorAll("[data-chart]")];
const inView = new Set();

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) {
      inView.add(target);
      drawChart(target);
    } else inView.delete(target);
  }
}, { rootMargin: "400px" });

// What has not come into view is drawn when nothing else is to be done, so that a print shows it.
async function drawTheRest() {
  const wanted = chosenCut();
  for (const article of figures) {
    await new Promise((resume) => (window.requestIdleCallback ?? setTimeout)(resume));
    if (chosenCut() !== wanted) return;
    await drawChart(article);
  }
}

function showChosen() {
  const cut = chosenCut();
  for (const part of document.querySelectorAll("[data-cuts]")) part.hidden = !part.dataset.cuts.split(" ").includes(cut);
  for (const note of document.querySelectorAll(".uncut")) {
    note.hidden = chosen(note.dataset.uncut) === "all";
  }
  for (const article of inView) drawChart(article);
  for (const place of document.querySelectorAll("details.rows[open]")) fillRows(place);
  listSessions();
  drawTheRest();
}

async function showModels(details) {
  const models = await unpack("models");
  for (const place of details.querySelectorAll("pre[data-model]")) place.textContent = models[place.dataset.model];
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches("details")) {
    target.open = true;
    target.scrollIntoView();
  }
}

for (const figure of figures) watcher.observe(figure);
for (const button of document.querySelectorAll("button[data-session]")) button.textContent = shortId(button.dataset.session);
for (const details of document.querySelectorAll("details.rows")) {
  details.addEventListener("toggle", () => details.open && fillRows(details));
}
for (const details of document.querySelectorAll("details.sql")) {
  details.addEventListener("toggle", () => details.open && showModels(details));
}
document.querySelector(".controls").addEventListener("change", showChosen);
matchMedia(DARK).addEventListener("change", showChosen);
addEventListener("hashchange", openTarget);
showChosen();
openTarget();
