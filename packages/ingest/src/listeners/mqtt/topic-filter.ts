/** Topics and topic filters (OASIS MQTT 5.0, section 4.7): which are well formed, which belong to a prefix, which filter fits which topic. */

/** Longest topic or filter, UTF-16 units: as much as an event's subject holds. */
const MAX_TOPIC_UNITS = 1024;
const MAX_LEVELS = 64;

/** Whether a topic may be published to. U+FFFD stands for bytes that were not UTF-8. */
export function isTopicName(topic: string): boolean {
  return isWellFormed(topic) && !/[+#]/.test(topic);
}

/** Whether a filter may be subscribed to: `+` and `#` are whole levels, `#` the last one. */
export function isTopicFilter(filter: string): boolean {
  if (!isWellFormed(filter)) return false;
  const levels = filter.split('/');
  return levels.every((level, i) => (level === '#' ? i === levels.length - 1 : level === '+' || !/[+#]/.test(level)));
}

/** Whether a topic or filter lies under a prefix. A prefix has no wildcards, so the same text is the same levels. */
export function isUnder(prefix: string, topic: string): boolean {
  return topic.startsWith(`${prefix}/`);
}

/** Whether a well-formed filter fits a topic. */
export function fitsFilter(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [i, want] of wanted.entries()) {
    if (want === '#') return true;
    if (i >= levels.length || (want !== '+' && want !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

function isWellFormed(topic: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return (
    topic.length > 0 &&
    topic.length <= MAX_TOPIC_UNITS &&
    !/[\u0000-\u001f\u007f\ufffd]/.test(topic) &&
    topic.split('/').length <= MAX_LEVELS
  );
}
