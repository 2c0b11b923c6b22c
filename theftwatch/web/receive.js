// What the address of this page holds behind its "#": a token and a packed page, or the key to the bookmarks.
const [token, packed] = location.hash.slice(1).split(".");
// Neither belongs into the history of the browser.
history.replaceState(null, "", "/");

const show = (id, text) => { document.getElementById(id).textContent = text; };
const ask = (path, options) => fetch(path, { ...options, headers: { Authorization: `Bearer ${token}` } });
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const titles = { waiting: "Received", importing: "Being taken in", done: "Taken in", failed: "Not taken in" };

async function send() {
  show("state", "Sending");
  show("says", "");
  const body = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  let response = await ask("/pages", { method: "POST", body });
  let page = await response.json();
  const { id } = page;
  while (response.ok) {
    show("state", titles[page.state]);
    document.title = titles[page.state];
    show("address", page.what);
    show("says", page.says);
    if (page.state === "done" || page.state === "failed") return;
    await pause(500);
    response = await ask(`/pages/${id}`);
    page = await response.json();
  }
  show("state", "Not taken");
  document.title = "Not taken";
  show("says", page.says);
}

async function offer() {
  const response = await ask("/bookmarklets");
  const answer = await response.json();
  if (!response.ok) { show("says", answer.says); return; }
  show("state", "Bookmarks");
  show("says", "Drag each into the bar of your bookmarks. Then open a page of that marketplace, and press it.");
  for (const { site, code } of answer.bookmarklets) {
    const link = Object.assign(document.createElement("a"), { href: code, textContent: `TheftWatch ${site}` });
    link.addEventListener("click", (event) => event.preventDefault());
    const entry = document.createElement("li");
    entry.append(link);
    document.getElementById("bookmarklets").append(entry);
  }
}

if (token) (packed ? send() : offer()).catch((fault) => {
  show("state", "Not taken");
  show("says", `The receiver does not answer (${fault}). Start theftwatch receive, and press the bookmark again.`);
});
