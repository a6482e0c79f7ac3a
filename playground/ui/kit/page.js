() => {
  // No input until the page is up to date (OPENED_JS in page.py), or after a minute if the server does not answer.
  document.body.setAttribute('inert', '');
  setTimeout(() => document.body.removeAttribute('inert'), 60000);

  dropInputStates();

  // Copy a text, or download it or the numbers of a plot; all of it are in the page, so no request is needed.
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
      link.href = URL.createObjectURL(new Blob([numbers.dataset.csv], { type: 'text/plain' }));
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

  // When the server is gone, Gradio's frontend says so in a toast, asks for it every two seconds, and loads the page anew
  // once it answers. The line here stands in the place of that toast; what was typed and the open tab outlive the load.
  // tests/browser/test_restart_page.py fails where an update of Gradio has other words or another way.
  const KEPT = 'playground-kept';
  const FIELDS = '[data-testid=textbox], input[type=number]';
  const typed = new Map();
  const pending = new Map(Object.entries(takeKept()));
  let lost = false;
  let leaving = false;
  // Streams break as a page is left; on a slow machine that is seen before it is gone.
  window.addEventListener('beforeunload', () => { leaving = !lost; });
  document.addEventListener('input', (event) => {
    const key = event.target.matches?.(FIELDS) && fieldKey(event.target);
    if (key) typed.set(key, event.target.value);
  });
  window.addEventListener('pagehide', () => {
    const tab = document.querySelector('#tabs [role=tab][aria-selected=true]')?.textContent.trim();
    if (lost) stored('sessionStorage')?.setItem(KEPT, JSON.stringify({ tab, fields: Object.fromEntries([...pending, ...typed]) }));
  });
  setInterval(() => {
    const toast = [...document.querySelectorAll('[data-testid=toast-body]')]
      .find((each) => each.textContent.includes('Connection to the server was lost'));
    if (toast) toast.style.display = 'none';
    if (toast && !lost && !leaving) {
      lost = true;
      showLine('The server does not answer. Trying again every two seconds; what you typed is kept.', 'alert');
    }
    if (!document.body.hasAttribute('inert')) restoreFields();
  }, 500);

  // Browsers deny them to a page in a frame of another site, as a Space is shown.
  function stored(name) {
    try {
      return window[name];
    } catch {
      return null;
    }
  }

  function fieldKey(field) {
    const block = field.closest('.block[id]');
    // The scales of a mix mean nothing without its vectors, which a new session does not have.
    return block && !block.id.startsWith('mix-') && !block.id.startsWith('component-') ? block.id : null;
  }

  function takeKept() {
    const kept = JSON.parse(stored('sessionStorage')?.getItem(KEPT) || 'null');
    stored('sessionStorage')?.removeItem(KEPT);
    // Streams that end as a page is left can look like a lost server too; only Gradio's reload brings back what was kept.
    if (!kept || performance.getEntriesByType('navigation')[0]?.type !== 'reload') return {};
    showLine('The server answers again. What you had typed is back, and the mix; what was not saved is not.', 'status');
    const opened = setInterval(() => {
      if (document.body.hasAttribute('inert')) return;
      clearInterval(opened);
      [...document.querySelectorAll('#tabs [role=tab]')].find((tab) => tab.textContent.trim() === kept.tab)?.click();
    }, 200);
    return kept.fields;
  }

  // A field of a tab that was not opened yet is not there; it gets its text when it comes.
  function restoreFields() {
    for (const [key, value] of pending) {
      const field = document.getElementById(key)?.querySelector(FIELDS);
      if (!field) continue;
      pending.delete(key);
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set.call(field, value);
      for (const name of ['input', 'change', 'blur']) field.dispatchEvent(new Event(name, { bubbles: true }));
    }
  }

  function showLine(text, role) {
    document.querySelector('.sp-server')?.remove();
    const line = document.createElement('div');
    line.className = `sp-server sp-${role}`;
    line.setAttribute('role', role);
    const said = document.createElement('span');
    said.textContent = text;
    line.append(said);
    if (role === 'status') {
      const close = document.createElement('button');
      close.className = 'sp-small';
      close.textContent = 'close';
      close.addEventListener('click', () => line.remove());
      line.append(close);
    }
    document.body.append(line);
  }

  // What stands behind # is the open tab and the state of Steer, which the server writes into #address whenever it
  // changes. A change after a generation (a sealed state) or to another tab begins a new entry of the history, further
  // ones replace it; so Back goes from text to text. The entry keeps its link too: the page opens without one.
  const TABS = '#tabs [role=tab]';
  let steer = null;
  let sealed = true;
  let seals = 0;
  let newest = 0;
  let waiting = null;
  let restoring = null;
  let settling = null;
  let tab = null;
  const tabName = (button) => button.dataset.tabId;
  const openTab = () => [...document.querySelectorAll(TABS)].find((each) => each.ariaSelected === 'true');
  const linkNow = () => `#v=1&tab=${tab}${steer ? `&${steer}` : ''}`;

  function writeAddress(push) {
    clearTimeout(waiting);
    waiting = null;
    const link = linkNow();
    if (link === (history.state?.link ?? location.hash)) return;
    history[push ? 'pushState' : 'replaceState']({ link }, '', link);
    const parent = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
    // A Space's page shows this one in a frame, and takes its hash by this message.
    if (window.parent !== window && parent === 'https://huggingface.co') window.parent.postMessage({ hash: link }, parent);
  }

  function writeSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(() => { writeAddress(sealed); sealed = false; }, 400);
  }

  function stateSaid({ link, sealed: seal, number }) {
    if (Number(number) < newest) return;  // answers may overtake one another
    newest = Number(number);
    const first = steer === null;
    const changed = link !== steer;
    steer = link;
    if (first) {
      // What was opened stays in the address as it was written.
      history.replaceState({ link: linkNow() }, '', location.href);
      if (location.hash) restore(linkNow(), 2000);
    } else if (restoring !== null) {
      restore(restoring, linkNow() === restoring ? 1000 : 5000);
    } else if (changed) {
      writeSoon();
    }
    if (Number(seal) > seals) {
      if (waiting !== null) writeAddress(sealed);
      sealed = true;
    }
    seals = Math.max(seals, Number(seal));
  }

  // While a link is shown, its parts come one after another: none of these states is one that somebody made.
  function restore(link, time) {
    restoring = link;
    clearTimeout(settling);
    settling = setTimeout(restored, time);
  }

  function restored() {
    clearTimeout(settling);
    restoring = null;
    sealed = true;
    writeAddress(false);
  }

  const address = setInterval(() => {
    const said = document.getElementById('address');
    if (!said || !openTab()) return;
    clearInterval(address);
    tab = tabName(openTab());
    const hear = () => {
      const state = said.querySelector('[data-link]');
      if (state) stateSaid(state.dataset);
    };
    new MutationObserver(hear).observe(said, { childList: true, subtree: true, attributes: true });
    hear();
    new MutationObserver(() => {
      const now = openTab();
      if (!now || tabName(now) === tab) return;
      tab = tabName(now);
      if (steer === null || restoring !== null) return;
      if (waiting !== null) writeAddress(sealed);
      writeAddress(true);
      sealed = false;
    }).observe(document.getElementById('tabs'), { subtree: true, attributeFilter: ['aria-selected'] });
  }, 100);

  window.addEventListener('popstate', (event) => {
    const link = event.state?.link ?? location.hash;
    clearTimeout(waiting);
    waiting = null;
    const pairs = link.replace(/^#/, '').split('&');
    const name = pairs.find((pair) => pair.startsWith('tab='))?.slice(4);
    const rest = pairs.filter((pair) => !/^(v|tab)=/.test(pair)).join('&');
    const button = [...document.querySelectorAll(TABS)].find((each) => tabName(each) === name);
    if (button && restoring === null && rest === steer) {
      tab = name;
      sealed = true;
      button.click();
    } else {
      restore(link, 20000);
      act('address', { act: 'link', link });
    }
  });

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

  // An `act` event of a board, without anything that is clicked.
  function act(id, data) {
    const board = document.querySelector(`#${id} .prose`);
    if (!board) return;
    const button = document.createElement('button');
    Object.assign(button.dataset, data);
    button.hidden = true;
    board.append(button);
    button.click();
    button.remove();
  }

  // A click on a point of a plot in .sp-points becomes an `act` event of the board #measure-item.
  // A redrawn plot has lost its listeners, so they are attached when the pointer enters it.
  const open = (event) => {
    const point = event.points.map((each) => each.customdata).find((data) => typeof data === 'string');
    if (point) act('measure-item', { act: 'point', point });
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

  // Ctrl+Z and Ctrl+Shift+Z undo and redo the mix, but for fields of text, which undo what was typed.
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'z' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (event.target.closest?.('textarea, input:not([type=range], [type=checkbox], [type=radio])')) return;
    const button = document.getElementById(event.shiftKey ? 'mix-redo' : 'mix-undo');
    if (!button?.offsetParent) return;  // another tab is open
    event.preventDefault();
    button.click();
  });

  const chosen = new URLSearchParams(location.search).get('__theme') || stored('localStorage')?.getItem('playground-theme');
  if (chosen === 'dark' || chosen === 'light') document.body.classList.toggle('dark', chosen === 'dark');
}
