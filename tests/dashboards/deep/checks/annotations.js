// Annotations: their texts name labels that the result has, and their times are milliseconds.
'use strict';

function* check(annotation, facts) {
  const { labels = {}, quantity } = facts;
  const texts = [annotation.titleFormat, annotation.textFormat].join(' ');
  for (const [, label] of texts.matchAll(/{{\s*(\w+)\s*}}/g)) {
    if (!(label in labels))
      yield `the text names ${label}, the result has ${Object.keys(labels).join(', ') || 'no labels'}`;
  }
  const milliseconds = quantity && quantity.kind === 'timestamp' && quantity.factor === 1000;
  if (annotation.useValueForTime && quantity && !milliseconds) yield 'useValueForTime wants a timestamp times 1000';
}

module.exports = { check };
