// Modal dialogs on <dialog>: the browser keeps the focus inside, makes the rest inert and gives the focus back.

import { el, icon_button } from './dom.js';

// A dialog with a title and a close button. `on_close()` is called after it went away by any road: Escape, the button,
// a press on the ground behind it, or dialog_close. Returns the element; `body` is appended below the head.
export function dialog_make({ name, title, kind, on_close }, ...body) {
  const heading = el('h2', { class: 'dialog-title', id: `${name}-title`, tabindex: '-1' }, title);
  const dialog = el(
    'dialog',
    { class: `dialog dialog-${kind}`, id: name, 'aria-labelledby': `${name}-title` },
    el(
      'div',
      { class: 'dialog-head' },
      heading,
      icon_button('close', 'Close', () => dialog.close()),
    ),
    ...body,
  );
  dialog_dismissable(dialog, () => dialog.close());
  if (on_close) dialog.addEventListener('close', on_close);
  return dialog;
}

// Calls `dismiss` for Escape and for a press that begins and ends on the ground behind the dialog.
export function dialog_dismissable(dialog, dismiss) {
  let pressed = false;
  dialog.addEventListener('pointerdown', (event) => (pressed = event.target === dialog));
  dialog.addEventListener('click', (event) => {
    if (pressed && event.target === dialog) dismiss();
  });
  // The page behind stays where it is; it keeps its scroll bar, so nothing moves when the dialog opens.
  dialog.addEventListener('wheel', (event) => event.target === dialog && event.preventDefault(), { passive: false });
  dialog.addEventListener('touchmove', (event) => event.target === dialog && event.preventDefault(), { passive: false });
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    dismiss();
  });
}

// Shows a dialog that lives as long as it is open.
export function dialog_show(dialog) {
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove(), { once: true });
  dialog.showModal();
  dialog.querySelector('.dialog-title')?.focus();
  return dialog;
}
