// CSV as RFC 4180 has it: records of fields, quoted where they must be. Pure text in, text out.

/** The records of a text; a byte order mark and blank lines at the end are not part of it. */
export function parseCsv(text: string): string[][] {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const records: string[][] = [];
  let record: string[] = [];
  let field = "";
  let quoted = false;
  /** A field was quoted in this record: an empty one is no blank line then. */
  let said = false;
  const endField = () => {
    record.push(field);
    field = "";
  };
  const endRecord = () => {
    endField();
    if (said || record.length > 1 || record[0] !== "") records.push(record);
    record = [];
    said = false;
  };
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (quoted) {
      if (character !== '"') field += character;
      else if (source.charAt(at + 1) === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && field === "") quoted = said = true;
    else if (character === ",") endField();
    else if (character === "\n") endRecord();
    else if (character === "\r" && source.charAt(at + 1) === "\n") continue;
    else field += character;
  }
  if (said || field !== "" || record.length > 0) endRecord();
  return records;
}

/** Records as text, each on a line of its own. */
export function writeCsv(records: readonly (readonly string[])[]): string {
  return records.map((record) => `${record.map((field) => writeField(field, record.length)).join(",")}\r\n`).join("");
}

/**
 * Records for people who open them in a spreadsheet: a field that would be run as a formula begins with an apostrophe. It
 * is not read again as it was; use `writeCsv` for what comes back.
 */
export function writeSheet(records: readonly (readonly string[])[]): string {
  return writeCsv(records.map((record) => record.map((field) => (/^[=+\-@\t\r]/.test(field) ? `'${field}` : field))));
}

/** A lone empty field is quoted, so that its line is not taken for a blank one. */
function writeField(field: string, fields: number): string {
  return /[",\r\n]/.test(field) || (field === "" && fields === 1) ? `"${field.replaceAll('"', '""')}"` : field;
}
