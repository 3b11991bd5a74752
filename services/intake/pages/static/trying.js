export function offerTrial() {}
