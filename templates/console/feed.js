// Adds the events of the feed to the page as they happen. The server has rendered and escaped the rows.
"use strict";

const feed = document.getElementById("feed");
const live = document.getElementById("live");

// A page that has more to show first does not follow.
if (feed.dataset.live) {
  const source = new EventSource(feed.dataset.live);
  source.onopen = () => {
    live.textContent = live.dataset.open;
  };
  // The browser connects again by itself, unless the server refuses: then the session has ended.
  source.onerror = () => {
    const isOver = source.readyState === EventSource.CLOSED;
    live.textContent = isOver ? live.dataset.closed : live.dataset.again;
  };
  source.onmessage = ({ data }) => {
    const { rows, newest, waits } = JSON.parse(data);
    document.getElementById("waits").textContent = waits;
    if (newest === "") {
      return;
    }
    document.getElementById("newest").textContent = newest;
    document.getElementById("none").hidden = true;
    feed.insertAdjacentHTML("afterbegin", rows);
    while (feed.children.length > Number(feed.dataset.max)) {
      feed.lastElementChild.remove();
    }
  };
}
