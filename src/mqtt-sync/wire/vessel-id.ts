const VESSEL_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** What the id of a vessel looks like, for people. */
export const VESSEL_ID_FORM = '1 to 64 letters, digits, dots, dashes or underscores';

/** Whether a text can be the id of a vessel. */
export const isVesselId = (text: string): boolean => VESSEL_ID.test(text);
