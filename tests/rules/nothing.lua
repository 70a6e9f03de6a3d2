return {baseline = 1}
