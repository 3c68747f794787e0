/** A password of three letters would blot out half of every message, and says nothing when it shows up in one. */
const MIN_SECRET_LENGTH = 4;

/** The forms in which a peer may give back a secret that it was told: as it is, or encoded as URLs, headers and JSON do. */
export function secretForms(secret: string): string[] {
  if (secret.length < MIN_SECRET_LENGTH) return [];
  const json = JSON.stringify(secret).slice(1, -1);
  const forms = [secret, json, encodeURIComponent(secret), encodeURI(secret), ...base64Forms(Buffer.from(secret))];
  return [...new Set(forms)].filter((form) => form.length >= MIN_SECRET_LENGTH).sort((a, b) => b.length - a.length);
}

/** Behind and before other bytes the same bytes are written in three ways, of which the inner part is known. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // Characters at both ends also hold bits of what stands beside.
    const begin = shift === 0 ? 0 : shift + 1;
    const end = (shift + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    const inner = text.slice(begin, end);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
