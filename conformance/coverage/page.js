(function () {
  'use strict';
  var $ = function (s, e) { return (e || document).querySelector(s); };
  var all = function (s, e) { return Array.prototype.slice.call((e || document).querySelectorAll(s)); };
  var words = function (s) { return s ? s.split(' ') : []; };
  var root = document.documentElement, form = $('#filters'), chip = $('#technique-chip');

  var stored = null;
  try { stored = localStorage.getItem('theme'); } catch (e) { /* a file may have no storage */ }
  if (stored) root.dataset.theme = stored;
  $('#theme').addEventListener('click', function () {
    var dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch (e) { /* as above */ }
  });

  var rules = {}, order = all('#rules .rule').map(function (el) {
    var d = el.dataset;
    return rules[el.id.slice(5)] = { el: el, guides: words(d.guides), tier: d.tier, level: d.level, tables: words(d.tables), state: d.state,
      techniques: words(d.techniques), tactics: words(d.tactics), text: el.textContent.toLowerCase() };
  });
  all('#forms tbody tr').forEach(function (tr) { rules[tr.dataset.rule].row = tr; });
  var cells = all('.tech').map(function (el) { return { el: el, id: el.dataset.technique, tactic: el.dataset.tactic, n: $('b', el) }; });
  var names = {};
  cells.forEach(function (c) { names[c.id] = $('span', c.el).firstChild.textContent; });
  // An item is found by what its rules read and are tagged with, too.
  var items = all('#guides .item').map(function (el) {
    var own = words(el.dataset.rules).map(function (id) { return rules[id]; }).filter(Boolean), said = [el.textContent, el.id];
    own.forEach(function (r) { said = said.concat(r.tables, r.techniques, r.techniques.map(function (t) { return names[t] || ''; })); });
    return { el: el, guide: el.dataset.guide, state: el.dataset.state, text: said.join(' ').toLowerCase(), rules: own };
  });
  var technique = '';

  var tagged = function (r, id) { return r.techniques.some(function (t) { return t === id || t.indexOf(id + '.') === 0; }); };
  var holds = function (text, terms) { return terms.every(function (t) { return text.indexOf(t) >= 0; }); };

  function apply() {
    var f = {};
    ['text', 'guide', 'tier', 'level', 'table', 'state'].forEach(function (n) { f[n] = form.elements[n].value; });
    var terms = f.text.toLowerCase().split(/\s+/).filter(Boolean);
    var byRule = f.tier || f.level || f.table || technique;
    order.forEach(function (r) {
      r.plain = (!f.tier || r.tier === f.tier) && (!f.level || r.level === f.level) && (!f.table || r.tables.indexOf(f.table) >= 0);
      var here = r.plain && (!f.guide || r.guides.indexOf(f.guide) >= 0) && (!f.state || r.state === f.state) && holds(r.text, terms);
      r.cell = here;
      r.on = here && (!technique || tagged(r, technique));
      r.el.hidden = !r.on;
      if (r.row) r.row.hidden = !r.on;
    });
    var shown = 0;
    items.forEach(function (i) {
      var on = (!f.guide || i.guide === f.guide) && (!f.state || i.state === f.state) &&
        (!byRule || i.rules.some(function (r) { return r.plain && (!technique || tagged(r, technique)); })) && holds(i.text, terms);
      i.el.hidden = !on;
      if (on) shown++;
    });
    all('#guides .group, #guides .guide').forEach(function (g) { g.hidden = !$('.item:not([hidden])', g); });
    if (shown < items.length) all('#guides .guide').forEach(function (g) { g.open = true; });
    cells.forEach(function (c) {
      var n = order.filter(function (r) { return r.cell && r.tactics.indexOf(c.tactic) >= 0 && tagged(r, c.id); }).length;
      c.n.textContent = n;
      c.el.classList.toggle('zero', n === 0);
      c.el.classList.toggle('on', c.id === technique);
    });
    var on = order.filter(function (r) { return r.on; }).length;
    $('#guides').hidden = shown === 0;
    $('#rules').hidden = $('#forms').hidden = on === 0;
    $('#nothing').hidden = shown + on > 0;
    $('#count').textContent = shown + ' of ' + items.length + ' items, ' + on + ' of ' + order.length + ' rules';
    chip.hidden = !technique;
    $('button', chip).textContent = technique;
  }

  form.addEventListener('input', apply);
  form.addEventListener('reset', function () { technique = ''; setTimeout(apply, 0); });
  chip.addEventListener('click', function () { technique = ''; apply(); });
  cells.forEach(function (c) {
    c.el.addEventListener('click', function () {
      technique = technique === c.id ? '' : c.id;
      apply();
      if (technique) $('#rules').scrollIntoView();
    });
  });

  // A link leads to what a filter hides, and opens it.
  function go() {
    var el = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!el) return;
    if (el.hidden || el.closest('[hidden]')) { technique = ''; form.reset(); apply(); }
    for (var d = el; d; d = d.parentElement) if (d.tagName === 'DETAILS') d.open = true;
    el.scrollIntoView();
  }
  addEventListener('hashchange', go);
  document.addEventListener('click', function (e) {
    var a = e.target.closest('a[href^="#"]');
    if (a && a.getAttribute('href') === location.hash) go();
  });
  if (innerWidth < 640) all('#guides .guide').forEach(function (g) { g.open = false; }); // a phone is not for scrolling through all
  apply();
  go();
})();
