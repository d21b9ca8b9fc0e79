// Data of the page: JSON, gzipped, in base64, unpacked when it is first asked for.

const unpacked = new Map();

function unpack(name) {
  if (!unpacked.has(name)) unpacked.set(name, unpackText(name).then(JSON.parse));
  return unpacked.get(name);
}

async function unpackText(name) {
  const text = atob(document.getElementById(`data-${name}`).textContent);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// What a chart or table shows of the part of the workload that the reader chose.
async function unpackCut(name) {
  const { cuts, values } = await unpack(name);
  return values[cuts[chosenCut()]];
}

function chosenCut() {
  return `${chosen("provider")}-${chosen("kind")}`;
}

function chosen(control) {
  return document.querySelector(`input[name=${control}]:checked`)?.value ?? "all";
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map(String));
  return made;
}
