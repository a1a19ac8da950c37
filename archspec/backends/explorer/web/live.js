/* A page that is watched: it is loaded again when its spec is saved, and tells what is wrong with it meanwhile. */

function watched(app) {
  const place = byId("wrong");
  const source = new EventSource("events");
  const version = Number(document.documentElement.dataset.live);
  source.onmessage = (event) => {
    const state = JSON.parse(event.data);
    if (state.version !== version) {
      app?.rememberNow();
      location.reload();
      return;
    }
    place.hidden = !state.errors;
    place.textContent = state.errors;
    document.body.classList.toggle("stale", Boolean(state.errors));
  };
  source.onerror = () => {
    place.hidden = false;
    place.textContent = "The server that watches the spec has ended; the page stays as it is.";
  };
  source.onopen = () => (place.hidden = true);
}
