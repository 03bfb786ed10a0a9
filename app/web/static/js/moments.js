// Times stand in UTC; on hover and focus the reader's own time appears beside.

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function tell(event) {
  const time = event.target.closest?.("time[datetime]");
  if (time && !time.title) time.title = local.format(new Date(time.dateTime));
  if (time && event.type === "focusin" && !time.querySelector(".here")) {
    const here = document.createElement("span");
    here.className = "here";
    here.textContent = `(${time.title})`;
    time.append(here);
  }
}

function hush(event) {
  event.target.querySelector?.(".here")?.remove();
}

export function moments(document) {
  document.addEventListener("pointerover", tell);
  document.addEventListener("focusin", tell);
  document.addEventListener("focusout", hush);
}
