// Runs before the first paint: picks light or dark, and turns the site's own colour into one that can be read.
//
// A site may choose any colour. Used as it is, a pale yellow would vanish on paper and a navy on slate, so the accent
// is moved towards black or white until it has the contrast that WCAG 2.2 asks of text (section 1.4.3), with headroom
// for the tinted grounds that the style sheet mixes from it. The rest of the palette follows from the accent in CSS.
(function () {
  'use strict';

  const GROUND = { light: [255, 255, 255], dark: [17, 21, 24] };
  const CONTRAST = 5.4;
  const root = document.documentElement;

  function colour_parse(text) {
    let hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec((text || '').trim());
    if (!hex) return [23, 92, 104];
    hex = hex[1].length === 3 ? hex[1].replace(/./g, '$&$&') : hex[1];
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  // Relative luminance as WCAG 2.2 defines it.
  function luminance(colour) {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  function colour_legible(colour, theme) {
    const end = theme === 'dark' ? 255 : 0;
    for (let step = 0; step <= 50; step++) {
      const mixed = colour.map((value) => Math.round(value + ((end - value) * step) / 50));
      if (contrast(mixed, GROUND[theme]) >= CONTRAST) return mixed;
    }
    return [end, end, end];
  }

  const metas = [...document.querySelectorAll('meta[name="theme-color"]')];
  const given = { light: metas[0] && metas[0].content, dark: (metas[1] || metas[0] || {}).content };
  const system = matchMedia('(prefers-color-scheme: dark)');

  function stored() {
    try {
      const value = localStorage.getItem('theme');
      return value === 'light' || value === 'dark' ? value : null;
    } catch {
      return null; // storage may be switched off; the system's wish then decides
    }
  }

  function accent_css(colour, theme) {
    return `rgb(${colour_legible(colour_parse(colour), theme).join(' ')})`;
  }

  function theme_apply() {
    const chosen = stored();
    const theme = chosen || (system.matches ? 'dark' : 'light');
    root.dataset.theme = theme;
    root.style.setProperty('--accent', accent_css(given[theme], theme));
    metas.forEach((meta, at) => {
      meta.content = chosen ? given[chosen] : at === 0 ? given.light : given.dark;
    });
  }

  function theme_toggle() {
    const next = root.dataset.theme === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem('theme', next);
    } catch {
      root.dataset.theme = next; // kept for this page alone
    }
    theme_apply();
    return next;
  }

  system.addEventListener('change', theme_apply);
  window.addEventListener('storage', (event) => event.key === 'theme' && theme_apply());
  theme_apply();

  // The compact header is there from the first frame when the address already carries a query.
  const query = (new URLSearchParams(location.search).get('q') || '').trim();
  root.dataset.view = query.length >= 2 ? 'results' : 'idle';

  window.tidemill = { theme_toggle, accent_css };
})();
