// The latent variables of probit and ordered probit models.
#include "fieldfare/latent.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "fieldfare/team.hpp"

namespace fieldfare {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t chunks = 16;  // of rows, whatever the number of threads: same sums

// Polynomial of the given coefficients, the constant first.
template <std::size_t N>
double polynomial(const double (&c)[N], double x) {
  double value = c[N - 1];
  for (std::size_t i = N - 1; i > 0; --i) value = value * x + c[i - 1];
  return value;
}

double density(double x) {
  constexpr double factor = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return factor * std::exp(-0.5 * x * x);  // 0 at infinity
}

// Probability of (a, b), without cancellation in the upper tail.
double interval(double a, double b) {
  return a > 0 ? normal_cdf(-a) - normal_cdf(-b) : normal_cdf(b) - normal_cdf(a);
}

struct Bounds {
  double lower, upper;
};

Bounds bounds_of(const Ordinal& ordinal, std::int64_t label) {
  return {label == 0 ? -infinity : ordinal.cutpoints[label - 1],
          label == ordinal.n_cutpoints ? infinity : ordinal.cutpoints[label]};
}

}  // namespace

// Wichura 1988, algorithm AS 241 (PPND16): a rational function in each of three ranges.
double normal_quantile(double p) {
  static constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                 1.9715909503065514427e3, 1.3731693765509461125e4,
                                 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr double b[] = {1.0,
                                 4.2313330701600911252e1,
                                 6.8718700749205790830e2,
                                 5.3941960214247511077e3,
                                 2.1213794301586595867e4,
                                 3.9307895800092710610e4,
                                 2.8729085735721942674e4,
                                 5.2264952788528545610e3};
  static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};
  const double centred = p - 0.5;
  if (std::fabs(centred) <= 0.425) {
    const double r = 0.180625 - centred * centred;
    return centred * polynomial(a, r) / polynomial(b, r);
  }
  const double tail = centred < 0 ? p : 1 - p;
  if (tail <= 0) return centred < 0 ? -infinity : infinity;
  const double r = std::sqrt(-std::log(tail));
  const double x = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                          : polynomial(e, r - 5) / polynomial(f, r - 5);
  return centred < 0 ? -x : x;
}

double truncated_normal(double mean, double lower, double upper, double u) {
  double a = lower - mean, b = upper - mean;
  // Where the interval is above the mean, its mirror image has the more accurate probabilities.
  const bool mirrored = a > 0;
  if (mirrored) {
    std::swap(a, b);
    a = -a;
    b = -b;
  }
  const double below = normal_cdf(a);
  const double p = below + u * (normal_cdf(b) - below);
  const double x = p > 0 ? std::clamp(normal_quantile(p), a, b) : b;
  return mean + (mirrored ? -x : x);
}

void draw_latent(const Ordinal& ordinal, const Draws& draws, float* out, std::int64_t n_threads) {
  run_team(n_threads, [&](Member& member) {
    member.share(ordinal.n_rows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Bounds bounds = bounds_of(ordinal, ordinal.labels[i]);
        out[i] = static_cast<float>(
            truncated_normal(ordinal.scores[i], bounds.lower, bounds.upper, draws.uniform(i)));
      }
    });
  });
}

double ordinal_likelihood(const Ordinal& ordinal, double* gradient, double* second,
                          std::int64_t n_threads) {
  const std::int64_t m = ordinal.n_cutpoints, width = 1 + 3 * m;
  std::vector<double> sums(static_cast<std::size_t>(chunks * width));
  run_team(n_threads, [&](Member& member) {
    member.share(chunks, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t chunk = first; chunk < last; ++chunk) {
        double* sum = sums.data() + chunk * width;
        double *slope = sum + 1, *curve = sum + 1 + m;
        const std::int64_t end = ordinal.n_rows * (chunk + 1) / chunks;
        for (std::int64_t i = ordinal.n_rows * chunk / chunks; i < end; ++i) {
          const std::int64_t label = ordinal.labels[i];
          const Bounds bounds = bounds_of(ordinal, label);
          const double a = bounds.lower - ordinal.scores[i], b = bounds.upper - ordinal.scores[i];
          const double p = std::max(interval(a, b), std::numeric_limits<double>::min());
          const double at_a = density(a) / p, at_b = density(b) / p;
          sum[0] += std::log(p);
          if (label > 0) {
            slope[label - 1] -= at_a;
            curve[2 * (label - 1)] += a * at_a - at_a * at_a;
            if (label < m) curve[2 * (label - 1) + 1] += at_a * at_b;
          }
          if (label < m) {
            slope[label] += at_b;
            curve[2 * label] -= b * at_b + at_b * at_b;
          }
        }
      }
    });
  });
  for (std::int64_t chunk = 1; chunk < chunks; ++chunk) {
    for (std::int64_t j = 0; j < width; ++j) sums[j] += sums[chunk * width + j];
  }
  std::copy_n(sums.data() + 1, m, gradient);
  std::copy_n(sums.data() + 1 + m, 2 * m, second);
  return sums[0];
}

void class_probabilities(std::int64_t n_rows, std::int64_t n_samples, const float* scores,
                         std::int64_t n_cutpoints, const double* cutpoints, double* out,
                         std::int64_t n_threads) {
  run_team(n_threads, [&](Member& member) {
    member.share(n_rows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        double* p = out + i * (n_cutpoints + 1);
        for (std::int64_t s = 0; s < n_samples; ++s) {
          double below = 0;
          for (std::int64_t c = 0; c < n_cutpoints; ++c) {
            const double up_to =
                normal_cdf(cutpoints[s * n_cutpoints + c] - scores[i * n_samples + s]);
            p[c] += (up_to - below) / static_cast<double>(n_samples);
            below = up_to;
          }
          p[n_cutpoints] += (1 - below) / static_cast<double>(n_samples);
        }
      }
    });
  });
}

}  // namespace fieldfare
