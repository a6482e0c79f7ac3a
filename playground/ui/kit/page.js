() => {
  // No input until the page is up to date (OPENED_JS in page.py), or after a minute if the server does not answer.
  document.body.setAttribute('inert', '');
  setTimeout(() => document.body.removeAttribute('inert'), 60000);

  dropInputStates();

  // Copy a text, or download the numbers of a plot; both are in the page, so no request is needed.
  document.addEventListener('click', async (event) => {
    const copy = event.target.closest('[data-copy]');
    if (copy) {
      await copyText(copy.dataset.copy);
      const label = copy.textContent;
      copy.textContent = 'copied';
      setTimeout(() => { copy.textContent = label; }, 1200);
    }
    const numbers = event.target.closest('[data-csv]');
    if (numbers) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([numbers.dataset.csv], { type: 'text/csv' }));
      link.download = numbers.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }
  });

  // Long texts are clamped; the button after each one unfolds it.
  document.addEventListener('click', (event) => {
    const unfold = event.target.closest('[data-unfold]');
    if (!unfold) return;
    const open = unfold.previousElementSibling.classList.toggle('sp-open');
    unfold.setAttribute('aria-expanded', String(open));
    unfold.textContent = open ? 'less' : 'whole text';
  });

  // Gradio's frontend stores the state of a finished event for each of its inputs, as if they were streams, and from then
  // on updates all of these at every step of every event, each with a search through the whole page: 1700 times for one
  // move of a slider. No input here is a stream; without these states that move takes half the time. Gradio has no
  // option for it, so its class of event states is patched, and left as it is where its members have other names.
  // tests/ui/test_gradio_frontend.py and tests/browser/test_frame_page.py fail then.
  async function dropInputStates() {
    const address = performance.getEntriesByType('resource').map((each) => each.name)
      .find((name) => /\/assets\/statustracker-[^/]*\.js$/.test(name));
    const parts = address ? Object.values(await import(address)) : [];
    const states = parts.find((part) => part.prototype?.resolve_args && part.prototype.update)?.prototype;
    if (!states) return;
    const update = states.update;
    states.update = function (event) {
      update.call(this, { ...event, stream_state: null });
      for (const [id, state] of Object.entries(this.current)) {
        if (state.type === 'input') delete this.current[id];
      }
    };
  }

  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard without https or permission: the old way still works.
      const area = document.createElement('textarea');
      area.value = text;
      area.style.position = 'fixed';
      area.style.opacity = '0';
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
  }

  // A click on a point of a plot in .sp-points becomes an `act` event of the board #measure-item.
  // A redrawn plot has lost its listeners, so they are attached when the pointer enters it.
  const open = (event) => {
    const point = event.points.map((each) => each.customdata).find((data) => typeof data === 'string');
    const board = document.querySelector('#measure-item .prose');
    if (!point || !board) return;
    const button = document.createElement('button');
    button.dataset.act = 'point';
    button.dataset.point = point;
    button.hidden = true;
    board.append(button);
    button.click();
    button.remove();
  };
  for (const near of ['pointerover', 'pointerdown']) {
    document.addEventListener(near, (event) => {
      const plot = event.target.closest?.('.sp-points .js-plotly-plot');
      if (plot?.on && plot._ev !== plot.spListens) {
        plot.on('plotly_click', open);
        plot.spListens = plot._ev;
      }
    }, true);
  }

  // Enter and space activate table rows that have an action, as they do buttons.
  document.addEventListener('keydown', (event) => {
    const target = event.target;
    if ((event.key === 'Enter' || event.key === ' ') && target.matches?.('[data-act][tabindex]')) {
      event.preventDefault();
      target.click();
    }
  });

  const chosen = new URLSearchParams(location.search).get('__theme') || localStorage.getItem('playground-theme');
  if (chosen === 'dark' || chosen === 'light') document.body.classList.toggle('dark', chosen === 'dark');
}
