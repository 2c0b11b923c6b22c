// Keys, the overlay, and where the focus goes; without it every button and link works as well.
"use strict";

const KEYS_OFF = "keys-off";

function press(name) {
  const open = document.querySelector("details.reject[open]");
  const within = [open, document].filter(Boolean);
  for (const place of within) {
    const target = [...place.querySelectorAll("[data-key]")].find(
      (each) => each.dataset.key === name && each.getClientRects().length > 0,
    );
    if (target) {
      target.click();
      return true;
    }
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea");
  if (event.key === "Escape") {
    const open = document.querySelector("details.reject[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (localStorage.getItem(KEYS_OFF)) return;
  // on what has the focus, Enter does what it always does
  if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
  if (press(event.key)) event.preventDefault();
});

function lay(share) {
  document.getElementById("over")?.setAttribute("opacity", String(share));
}

document.addEventListener("input", (event) => {
  if (event.target.id === "share") lay(event.target.value / 100);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "blink") {
    const shown = document.getElementById("over").getAttribute("opacity") === "1";
    document.getElementById("share").value = shown ? 0 : 100;
    lay(shown ? 0 : 1);
  } else if (button.id === "keys") {
    if (localStorage.getItem(KEYS_OFF)) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
    showKeys();
  } else if (button.dataset.tick) {
    for (const box of document.querySelectorAll("input[name=seen]")) box.checked = button.dataset.tick === "all";
  }
});

document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.("details.reject[open]")) event.target.querySelector("button")?.focus();
  },
  true,
);

function showKeys() {
  const button = document.getElementById("keys");
  const off = Boolean(localStorage.getItem(KEYS_OFF));
  button.setAttribute("aria-pressed", String(!off));
  button.textContent = off ? "Keys off" : "Keys on";
}

// A page that took the place of another is read out from its start.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "page") event.target.focus({ preventScroll: true });
});
showKeys();
