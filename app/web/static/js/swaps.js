// After a part of the page is exchanged, the reader is taken to it and told.

export function swaps(document) {
  document.querySelector("[data-focus]")?.focus();
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target ?? event.target;
    if (target.id !== "main") return;
    const goal = target.querySelector("[data-focus]") ?? target.querySelector("h1");
    goal?.focus();
    document.getElementById("said").textContent = document.title;
  });
  document.addEventListener("htmx:sendError", () => {
    document.getElementById("said").textContent = "The server could not be reached. Nothing was changed.";
  });
}
