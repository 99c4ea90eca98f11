// Moving and zooming a picture with a mouse or fingers.

// A drag shorter than this is a press.
const DRAG_LEAST = 5;

// `view()` gives { x, y, scale }; `zoom_by(factor, [x, y])` and `move_to(x, y)` change it, in pixels of `element`.
export function pan_make(element, picture, { view, zoom_by, move_to }) {
  const pointers = new Map();
  let drag = null;
  const gap = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one[0] - other[0], one[1] - other[1]);
  };

  function pinch() {
    const bounds = element.getBoundingClientRect();
    const [one, other] = [...pointers.values()];
    const wide = gap();
    zoom_by(wide / drag.gap, [(one[0] + other[0]) / 2 - bounds.left, (one[1] + other[1]) / 2 - bounds.top]);
    drag.gap = wide;
  }

  picture.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    drag = { x: event.clientX, y: event.clientY, from: view(), gap: pointers.size === 2 ? gap() : 0, far: false };
  });
  picture.addEventListener('pointermove', (event) => {
    if (!drag || !pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (pointers.size === 2 && drag.gap) {
      pinch();
      return;
    }
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.far && Math.hypot(dx, dy) < DRAG_LEAST) return;
    if (!drag.far) picture.setPointerCapture(event.pointerId);
    drag.far = true;
    move_to(drag.from.x + dx, drag.from.y + dy);
  });
  const drop = (event) => {
    pointers.delete(event.pointerId);
    if (!pointers.size) drag = null;
  };
  picture.addEventListener('pointerup', drop);
  picture.addEventListener('pointercancel', drop);
  // With Ctrl alone: the page must be scrollable past the picture.
  element.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const bounds = element.getBoundingClientRect();
      zoom_by(Math.exp(-event.deltaY / 300), [event.clientX - bounds.left, event.clientY - bounds.top]);
    },
    { passive: false },
  );
}
