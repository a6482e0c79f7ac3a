() => {
  // Filled in first, then open to input; a server that does not answer must not lock the page for ever.
  document.body.setAttribute('inert', '');
  setTimeout(() => document.body.removeAttribute('inert'), 60000);

  leaveInputsAlone();

  // Copying and the numbers of plots need no server: both are in the page already.
  document.addEventListener('click', async (event) => {
    const copy = event.target.closest('[data-copy]');
    if (copy) {
      await copyText(copy.dataset.copy);
      const said = copy.textContent;
      copy.textContent = 'copied';
      setTimeout(() => { copy.textContent = said; }, 1200);
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

  // Long texts are clamped; the button beside each shows all of it.
  document.addEventListener('click', (event) => {
    const unfold = event.target.closest('[data-unfold]');
    if (!unfold) return;
    const open = unfold.previousElementSibling.classList.toggle('sp-open');
    unfold.setAttribute('aria-expanded', String(open));
    unfold.textContent = open ? 'less' : 'whole text';
  });

  // Gradio notes the state of an event at all of its inputs once it has ended, as if they were streams, and from then on
  // tells all of them about every step of every event, each with a search through the whole page: 1700 times for one
  // move of a slider. Nothing here is a stream; without it that move takes half the time. Where Gradio keeps this
  // elsewhere, nothing happens.
  async function leaveInputsAlone() {
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

  // A click on a point of a plot in .sp-points is handed to the server as if it were one on a row of #measure-item.
  // A plot that is drawn anew has forgotten who listens, so it is asked again whenever the mouse or finger comes near.
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

  // A row of a table that opens something is a button for the keyboard too.
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
