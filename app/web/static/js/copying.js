// Buttons that copy a hash, a command, a citation.

const say = (text) => { document.getElementById("said").textContent = text; };

const show = (root) => {
  for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
};

export function copying(document) {
  if (!navigator.clipboard) return;
  show(document);
  document.addEventListener("htmx:afterSettle", (event) => show(event.target));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      say("The browser did not let it be copied; select the text instead");
      return;
    }
    say("Copied");
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  });
}
