// The standard normal distribution.
#pragma once

namespace fieldfare {

// The distribution function; accurate in the lower tail.
double normal_cdf(double x);

// The density; 0 at infinity.
double normal_density(double x);

// The inverse of the distribution function on (0, 1).
double normal_quantile(double p);

// Probability of (a, b), without cancellation in the upper tail.
double normal_interval(double a, double b);

// A draw from the normal distribution of mean `mean` and variance 1 between two bounds, by
// inversion. Bounds may be infinite. `u` is uniform in (0, 1).
double truncated_normal(double mean, double lower, double upper, double u);

}  // namespace fieldfare
