/** More digits than the length of any message has. */
const MOST_DIGITS = 10;

/** Looks at a stream of Nest's frames, a length in digits, `#`, and as many characters, whatever pieces it comes in. */
export class FrameCheck {
  private digits = '';
  /** Of the message whose length is known. */
  private missing = 0;

  /** @throws {Error} what came is no frame. */
  look(text: string): void {
    for (let at = 0; at < text.length;) {
      if (this.missing > 0) {
        const taken = Math.min(this.missing, text.length - at);
        this.missing -= taken;
        at += taken;
      } else this.readLength(text[at++]!);
    }
  }

  private readLength(character: string): void {
    if (character === '#' && this.digits !== '') {
      this.missing = Number(this.digits);
      this.digits = '';
    } else if (/^[0-9]$/.test(character) && this.digits.length < MOST_DIGITS) this.digits += character;
    else throw new Error('What came was no message of the Nest TCP transport');
  }
}
