// The shop's clock: digits, spoken words, "As of", waking a poll.
const d = document, all = (q, f) => d.querySelectorAll(q).forEach(f), on = addEventListener,
  ms = () => performance.now(), say = d.getElementById('say'), tell = w => w && (say.textContent = w), left = {},
  {requestStart, responseStart} = performance.getEntriesByType('navigation')[0];
let off, best = 1e9, now = 0, read, seen = 0, was;
let set = (iso, from, to) => {
  let trip = to - from, o = (read = Date.parse(iso)) - from - trip / 2;
  if (trip <= best || Math.abs(o - off) > trip) off = o, best = trip;
};
let tick = grace => {
  now = Math.max(now, ms() + off); // never backwards
  all('[data-to]', el => {
    let {to, say: kind} = el.dataset, s = Math.max(0, Math.ceil((new Date(to) - now) / 1e3)), past = 1;
    for (let k = left[to]; k-- > s;) tell(say.dataset[kind + k]);
    left[to] = s;
    el.querySelectorAll('b').forEach((b, i, {length}) => {
      const unit = 60 ** (length - 1 - i), n = s / unit | 0, text = (n > 9 ? '' : '0') + n;
      s %= unit;
      if (b.textContent != text) b.textContent = text;
      b.parentNode.classList.toggle('past', past = past && !n);
    });
  });
  all('.stub', ({dataset: {state, delay}}) => {
    if (was == 'upcoming' && state == 'live') tell(say.dataset.open);
    was = state;
    if (delay && !d.hidden && ms() - seen - delay > grace) seen = ms(), htmx.trigger('.stub', 'wake');
  });
};
on('htmx:beforeRequest', e => {
  e.detail.xhr.from = ms();
  if (d.hidden && e.detail.requestConfig.verb == 'get') e.preventDefault();
});
on('htmx:beforeSwap', ({detail: e}) => {
  const iso = e.xhr.getResponseHeader('X-Server-Time');
  iso ? set(iso, e.xhr.from, seen = ms()) : e.shouldSwap = 0; // a proxy's page
});
on('htmx:afterSettle', () => {
  all('[data-zone]', e => e.textContent = new Date(read).toLocaleTimeString('de', {timeZone: e.dataset.zone}));
  tick(6e3);
});
on('visibilitychange', () => tick(0));
set(d.documentElement.dataset.now, requestStart, responseStart);
tick(6e3);
setInterval(tick, 250, 6e3);
