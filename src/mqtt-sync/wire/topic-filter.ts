/**
 * Whether a topic matches a topic filter (MQTT 5, section 4.7): `+` stands for one level, `#` at the end for the level
 * before it and all below. Topics that begin with `$` match no filter that begins with a wildcard [MQTT-4.7.2-1].
 */
export function matchesFilter(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const filterLevels = filter.split('/');
  const topicLevels = topic.split('/');
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return true;
    if (index >= topicLevels.length || (level !== '+' && level !== topicLevels[index])) return false;
  }
  return topicLevels.length === filterLevels.length;
}
