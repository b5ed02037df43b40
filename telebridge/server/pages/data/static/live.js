// One stream of server-sent events for a page: open while the page is seen, closed while it is hidden.

/**
 * Follow a stream.
 * @param {string} address Of the stream.
 * @param {{change: function(object, boolean), over?: function()}} reader `change` gets what was sent, and whether
 *     it is the whole state of the page.
 */
export function follow(address, reader) {
  let source = null;
  let over = false;
  const receive = (message) => {
    const told = JSON.parse(message.data);
    reader.change(told, told.first === true);
  };
  const open = () => {
    if (source !== null || over || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener("change", receive);
    source.addEventListener("over", (message) => {
      over = true;
      close();
      receive(message);
      reader.over?.();
    });
  };
  const close = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
  return () => { over = true; close(); };
}

/** The text of a length of time, as 0:42, 12:05 or 1:02:03. */
export function lengthText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Put text into the elements of a row that have a `data-field`. */
export function fill(row, values) {
  for (const element of row.querySelectorAll("[data-field]")) {
    const text = String(values[element.dataset.field] ?? "");
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Show instants in the time zone of the reader, and let lengths of time go on. */
export function showTimes() {
  for (const element of document.querySelectorAll("time[data-local]")) {
    const instant = new Date(element.dateTime);
    if (!Number.isNaN(instant.valueOf())) {
      element.textContent = instant.toLocaleString([], { dateStyle: "short", timeStyle: element.dataset.local });
      element.title = element.dateTime;
      delete element.dataset.local;
    }
  }
  const tick = () => {
    for (const element of document.querySelectorAll("[data-since]")) {
      const since = Date.parse(element.dataset.since);
      if (!Number.isNaN(since)) element.textContent = lengthText((Date.now() - since) / 1000);
    }
  };
  tick();
  setInterval(tick, 1000);
}
