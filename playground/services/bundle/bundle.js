"use strict";
/* Shows the data of a bundled page. Every text of it becomes a text node or an attribute, never markup. */
(() => {
  const ROWS = 50;
  const data = JSON.parse(document.getElementById("data").textContent);
  const collator = new Intl.Collator("en", { numeric: true });
  const waiting = [];

  function make(tag, given, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(given || {})) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  function written(value) {
    if (value === null || value === undefined) return "–";
    if (typeof value !== "number") return String(value);
    const size = Math.abs(value);
    const text = Number.isInteger(value) || size >= 1000
      ? Math.round(value).toLocaleString("en")
      : size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
    return text.replace(/-/g, "−");
  }

  function copier(text) {
    const button = make("button", { type: "button", onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {  // a browser that lets no file write to the clipboard
        const field = make("textarea", {});
        field.value = text;
        document.body.append(field);
        field.select();
        document.execCommand("copy");
        field.remove();
      }
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    } }, "copy");
    return button;
  }

  function facts(pairs) {
    return make("dl", {}, ...pairs.flatMap(([term, text]) => [make("dt", {}, term), make("dd", { dir: "auto" }, text)]));
  }

  /* What a model wrote; `spans` are beginnings and ends of what differs from the baseline. */
  function modelText(text, spans, clamped) {
    if (!text) return make("span", { class: "empty" }, "(ends at once)");
    const box = make("div", { class: clamped ? "model clamped" : "model", dir: "auto" });
    let place = 0;
    for (let at = 0; at < (spans || []).length; at += 2) {
      box.append(text.slice(place, spans[at]), make("mark", {}, text.slice(spans[at], spans[at + 1])));
      place = spans[at + 1];
    }
    box.append(text.slice(place));
    return box;
  }

  class Table {
    constructor(block) {
      this.block = block;
      this.columns = block.columns;
      this.found = [...block.rows.keys()];
      this.sorted = null;
      this.first = 0;
      this.opened = new Set();
      this.distinct = this.columns.map((column, place) => new Set(block.rows.map((row) => row[place])));
      this.shown = [...this.columns.keys()].filter((place) => {
        const { title, hidden, detail } = this.columns[place];
        return title && !hidden && !detail && (this.distinct[place].size > 1 || block.rows.length === 1);
      });
      this.details = [...this.columns.keys()].filter((place) => this.columns[place].detail && this.columns[place].title);
      this.opens = this.details.length > 0 || this.columns.some((column) => ["model", "prompt"].includes(column.kind));
      this.haystacks = new Map();
      this.build();
      this.find();
    }

    value(row, place) {
      const values = this.columns[place].values;
      const value = this.block.rows[row][place];
      return values === undefined ? value : value === null ? "" : values[value];
    }

    haystack(row) {
      if (!this.haystacks.has(row)) {
        const texts = this.columns.map((column, place) => (column.title && column.title !== "baseline" ? this.value(row, place) : ""));
        this.haystacks.set(row, texts.filter((text) => typeof text === "string").join("\n").toLowerCase());
      }
      return this.haystacks.get(row);
    }

    build() {
      const { block } = this;
      const again = () => { this.first = 0; this.find(); };
      this.search = make("input", { type: "search", placeholder: "words in any text", oninput: again, "aria-label": `Search ${block.several}` });
      this.selects = new Map();
      const tools = make("div", { class: "tools" }, make("label", { class: "search" }, "search", this.search));
      this.columns.forEach((column, place) => {
        if (!column.filter || this.distinct[place].size < 2) return;
        const options = [...this.distinct[place]].filter((value) => value !== null && value !== "");
        if (column.values === undefined) options.sort((a, b) => (typeof a === "number" ? a - b : collator.compare(a, b)));
        const select = make("select", { onchange: again, "aria-label": column.title }, make("option", { value: "" }, "all"), ...options.map((value) => {
          const text = column.values !== undefined ? column.values[value] : column.kind === "sign" ? (value < 0 ? "−" : "+") : written(value);
          return make("option", { value: JSON.stringify(value) }, text.length > 60 ? `${text.slice(0, 59)}…` : text);
        }));
        this.selects.set(place, select);
        tools.append(make("label", {}, column.title, select));
      });
      this.order = make("select", { "aria-label": "sort by", onchange: () => this.sort(this.order.value === "" ? null : Number(this.order.value)) },
        make("option", { value: "" }, "as given"), ...this.shown.map((place) => make("option", { value: place }, this.columns[place].title)));
      tools.append(make("label", { class: "sortby" }, "sort by", this.order));
      const check = (place, text) => {
        const count = place === null ? 0 : block.rows.filter((row) => row[place]).length;
        if (!count) return null;
        const box = make("input", { type: "checkbox", onchange: again });
        tools.append(make("label", { class: "check" }, box, `${text} (${count.toLocaleString("en")})`));
        return box;
      };
      this.noise = check(block.noise, "show noise");
      this.star = check(block.star, "starred only");
      this.said = make("span", { role: "status" });
      this.before = make("button", { type: "button", onclick: () => this.turn(-ROWS) }, "earlier");
      this.after = make("button", { type: "button", onclick: () => this.turn(ROWS) }, "later");
      this.heads = this.shown.map((place) => make("th", { scope: "col", class: this.columns[place].kind === "number" ? "number" : "" },
        make("button", { type: "button", title: this.columns[place].hint, onclick: () => this.sort(place) }, this.columns[place].title)));
      this.body = make("tbody", {});
      const corner = this.opens ? make("th", {}, make("span", { class: "quiet", "aria-label": "open" })) : null;
      this.element = make("section", { class: "card", "aria-label": block.title }, make("h3", {}, block.title),
        block.note ? make("p", { class: "quiet" }, block.note) : null, tools, make("div", { class: "pages" }, this.said, this.before, this.after),
        make("div", { class: "scroll" }, make("table", { "aria-label": block.title },
          make("thead", {}, make("tr", {}, corner, ...this.heads)), this.body)));
    }

    find() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = [...this.selects].filter(([, select]) => select.value !== "").map(([place, select]) => [place, JSON.parse(select.value)]);
      const { rows, noise, star } = this.block;
      let hidden = 0;
      this.found = [...rows.keys()].filter((number) => {
        const row = rows[number];
        if (wanted.some(([place, value]) => row[place] !== value)) return false;
        if (this.star && this.star.checked && !row[star]) return false;
        if (words.length && !words.every((word) => this.haystack(number).includes(word))) return false;
        if (this.noise && !this.noise.checked && row[noise]) { hidden += 1; return false; }
        return true;
      });
      this.hidden = hidden;
      this.arrange();
    }

    sort(place) {
      const numbers = place !== null && this.columns[place].kind === "number";
      const first = numbers ? -1 : 1;
      if (place === null || (this.sorted && this.sorted.place === place && this.sorted.way === -first)) this.sorted = null;
      else this.sorted = { place, way: this.sorted && this.sorted.place === place ? -first : first };
      this.first = 0;
      this.arrange();
    }

    arrange() {
      this.found.sort((a, b) => a - b);
      if (this.sorted) {
        const { place, way } = this.sorted;
        const blank = (value) => value === null || value === undefined || value === "";
        this.found.sort((a, b) => {
          const [left, right] = [this.value(a, place), this.value(b, place)];
          if (blank(left) || blank(right)) return blank(left) - blank(right) || a - b;
          return way * (typeof left === "number" ? left - right : collator.compare(left, right)) || a - b;
        });
      }
      this.heads.forEach((head, at) => {
        const here = this.sorted && this.sorted.place === this.shown[at];
        if (here) head.setAttribute("aria-sort", this.sorted.way > 0 ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      this.order.value = this.sorted ? this.sorted.place : "";
      this.draw();
    }

    turn(step) {
      this.first += step;
      this.draw();
      this.element.querySelector(".pages").scrollIntoView({ block: "nearest" });
    }

    draw() {
      const total = this.found.length, end = Math.min(this.first + ROWS, total), { rows, several } = this.block;
      const count = (number) => number.toLocaleString("en");
      let text = total > ROWS ? `${count(this.first + 1)}–${count(end)} of ${count(total)} ${several}` : `${count(total)} ${several}`;
      if (total < rows.length) text += ` of ${count(rows.length)}`;
      if (this.hidden) text += ` · ${count(this.hidden)} of noise hidden`;
      if (!total) text = `No ${several} pass the search and filters${this.hidden ? `; ${count(this.hidden)} are noise` : ""}.`;
      this.said.textContent = text;
      this.before.disabled = this.first === 0;
      this.after.disabled = end >= total;
      this.before.hidden = this.after.hidden = total <= ROWS;
      this.body.replaceChildren(...this.found.slice(this.first, end).flatMap((row) => this.line(row)));
    }

    line(row) {
      const open = this.opened.has(row), values = this.block.rows[row];
      const line = make("tr", { class: this.block.noise !== null && values[this.block.noise] ? "noise" : "" });
      if (this.opens) {
        line.append(make("td", {}, make("button", { type: "button", class: "open", "aria-expanded": String(open), "aria-label": "the whole of this row",
          onclick: () => { this.opened[open ? "delete" : "add"](row); this.draw(); } }, open ? "▾" : "▸")));
      }
      for (const place of this.shown) line.append(this.cell(row, place, open));
      if (!open || !this.details.length) return [line];
      const pairs = this.details.flatMap((place) => [make("dt", {}, this.columns[place].title), make("dd", {}, this.inner(row, place, true))]);
      const width = this.shown.length + 1;
      return [line, make("tr", {}, make("td", { colspan: width, class: "details" }, make("dl", {}, ...pairs)))];
    }

    cell(row, place, open) {
      const { kind, title } = this.columns[place];
      const value = this.value(row, place);
      const classes = { number: "number", model: "wide", prompt: "asked" }[kind] || "text";
      const blank = value === "" && kind !== "model";
      return make("td", { class: classes, "data-title": blank ? null : title }, this.inner(row, place, open));
    }

    inner(row, place, open) {
      const { kind, changed, signed } = this.columns[place], values = this.block.rows[row];
      const value = this.value(row, place);
      if (kind === "model") return modelText(value, changed === undefined ? [] : values[changed], !open);
      if (kind === "prompt") return make("div", { class: open ? "prompt" : "prompt clamped", dir: "auto" }, String(value));
      if (signed !== undefined) {
        const minus = values[signed] < 0, star = this.block.star !== null && values[this.block.star] ? " ★" : "";
        return make("span", { class: `signed ${minus ? "minus" : "plus"}` }, `${minus ? "−" : "+"}${value}${star}`);
      }
      return make("span", { dir: "auto" }, kind === "number" ? written(value) : String(value === null ? "" : value));
    }

    /* Shows the rows of one value of a column, chosen in a plot. */
    choose(title, name) {
      const place = this.columns.findIndex((column) => column.title === title);
      const select = this.selects.get(place);
      if (!select) return;
      const short = name.slice(name.lastIndexOf("#") + 1);
      const wanted = [name, short].map((text) => JSON.stringify(text)).concat(short);
      const option = [...select.options].find((each) => wanted.includes(each.value));
      if (!option) return;
      select.value = option.value;
      this.first = 0;
      this.find();
      this.element.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }

  function plotOf(block, tables) {
    const box = make("div", { class: "plot", role: "img", "aria-label": block.title });
    box.style.minHeight = `${block.figure.layout.height || 300}px`;
    waiting.push(() => {
      if (!window.Plotly) {
        box.replaceChildren(make("p", { class: "quiet" }, "Plots are drawn when plotly.min.js lies beside this page."));
        return;
      }
      const { data: traces, layout } = block.figure;
      window.Plotly.newPlot(box, traces, layout, { responsive: true, displaylogo: false }).then(() => {
        if (!block.opens) return;
        box.on("plotly_click", (event) => {
          const said = event.points[0] && event.points[0].customdata;
          if (typeof said !== "string") return;
          const [name, , item] = said.split("|");
          for (const table of tables) {
            table.choose(block.opens, name);
            if (item) table.choose("item", item);
          }
        });
      });
    });
    return make("section", { class: "card" }, make("h3", {}, block.title), box, block.note ? make("p", { class: "quiet" }, block.note) : null);
  }

  function pictureOf(block) {
    const source = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(block.svg)}`;
    return make("figure", { class: "card pictures" }, make("img", { src: source, alt: block.title }), make("figcaption", { class: "quiet" }, block.title));
  }

  function blocksOf(part) {
    const tables = [], made = [];
    let plots = null;
    for (const block of part.blocks) {
      if (block.type === "plot") {
        if (!plots) made.push(plots = make("div", { class: "plots" }));
        plots.append(plotOf(block, tables));
        continue;
      }
      plots = null;
      if (block.type === "table") {
        tables.push(new Table(block));
        made.push(tables[tables.length - 1].element);
      } else if (block.type === "picture") made.push(pictureOf(block));
      else made.push(make(block.type === "heading" ? "h2" : "p", { dir: "auto" }, block.text));
    }
    return made;
  }

  function partOf(part, number, single) {
    const first = part.facts.slice(0, 2).map(([term, text]) => `${term} ${text}`).join(" · ");
    return make("section", { id: `part-${number}`, "aria-label": part.title },
      make(single ? "h1" : "h2", { dir: "auto" }, part.title), make("div", { class: "quiet" }, first),
      ...part.warnings.map((text) => make("p", { class: "warning" }, text)),
      part.command ? make("div", { class: "command" }, make("span", { class: "quiet" }, "repeat this"), make("code", { tabindex: "0" }, part.command), copier(part.command)) : null,
      make("details", {}, make("summary", {}, "model, settings, versions"), facts(part.facts)),
      ...blocksOf(part));
  }

  const page = document.getElementById("page"), single = data.parts.length === 1;
  if (!single) {
    page.append(make("h1", {}, data.title), make("nav", { "aria-label": "Parts" },
      ...data.parts.map((part, number) => make("a", { href: `#part-${number}`, dir: "auto" }, part.title))));
  }
  page.append(...data.parts.map((part, number) => partOf(part, number, single)));
  page.append(make("details", {}, make("summary", {}, "how to cite"), make("pre", { tabindex: "0" }, data.cite)),
    make("p", { class: "quiet" }, `Written ${data.written} by Steering Playground ${data.version}. Texts were generated by a language model.`));

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    const field = page.querySelector("input[type=search]");
    if (field) { event.preventDefault(); field.focus(); }
  });

  if (waiting.length) {
    /* After the tables: the file is large. One plot a frame, so that the page stays alive. */
    const next = () => { const draw = waiting.shift(); if (draw) { draw(); requestAnimationFrame(next); } };
    document.body.append(make("script", { src: "plotly.min.js", onload: next, onerror: next }));
  }
})();
