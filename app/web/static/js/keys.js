// Keys: one letter each, off and on by the reader (WCAG 2.1.4), never while something is typed.

const OFF = "muniment-keys-off";
const TYPED = "input, textarea, select, [contenteditable]";
let going = 0;

export const keysAreOff = () => localStorage.getItem(OFF) === "yes";

export function switchKeys(off) {
  if (off) localStorage.setItem(OFF, "yes");
  else localStorage.removeItem(OFF);
}

function rows(document) {
  return [...document.querySelectorAll(".data tbody tr, .queue > li")];
}

function move(document, step) {
  const all = rows(document);
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  for (const row of all) row.classList.toggle("at", row === next);
  (next.querySelector("a") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(document, selector) {
  const found = document.querySelector(selector);
  if (!found) return false;
  found.focus();
  if (!found.matches(TYPED)) found.click();
  return true;
}

// A page gives an element its key: data-key="a" opens a form; nothing here ever signs.
function act(document, key) {
  if (key === "?") { location.assign("/help"); return true; }
  if (key === "/") { return press(document, "#q"); }
  if (key === "j" || key === "k") { move(document, key === "j" ? 1 : -1); return true; }
  return press(document, `[data-key="${CSS.escape(key)}"]`);
}

export function keys(document) {
  const toggle = document.getElementById("keys-off");
  if (toggle) {
    toggle.checked = keysAreOff();
    toggle.addEventListener("change", () => switchKeys(toggle.checked));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.user[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPED)) return;
    if (keysAreOff()) return;
    const now = Date.now();
    if (event.key === "g") { going = now; return; }
    if (now - going < 1500) {
      going = 0;
      if (press(document, `[data-go="${CSS.escape(event.key)}"]`)) event.preventDefault();
      return;
    }
    if (act(document, event.key)) event.preventDefault();
  });
}
