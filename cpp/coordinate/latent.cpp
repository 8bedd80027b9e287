// The latent variables of probit and ordered probit models.
#include "coordinate/latent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/normal.hpp"
#include "common/team.hpp"

namespace fieldfare {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t chunks = 16;  // of rows, whatever the number of threads: same sums

struct Bounds {
  double lower, upper;
};

Bounds bounds_of(const Ordinal& ordinal, std::int64_t label) {
  return {label == 0 ? -infinity : ordinal.cutpoints[label - 1],
          label == ordinal.n_cutpoints ? infinity : ordinal.cutpoints[label]};
}

}  // namespace

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
          const double p = std::max(normal_interval(a, b), std::numeric_limits<double>::min());
          const double at_a = normal_density(a) / p, at_b = normal_density(b) / p;
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
