#ifndef NNET_REQUANTIZE_STREAM_H_
#define NNET_REQUANTIZE_STREAM_H_

// Integers into the levels of a quantizer: clip((factor * code + offset) >> shift, low, high), with numbers of each
// channel, or one for all; where there are two lines, the second holds from the channel's split on.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void requantize(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    typedef typename data_T::value_type given_t;
    typedef typename res_T::value_type level_t;
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = data.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < data_T::size; c++) {
            #pragma HLS UNROLL
            // The code itself, wherever its point is; one more bit keeps that of an unsigned type positive.
            ap_int<CONFIG_T::code_bits> code = 0;
            given_t given = pixel[c];
            code.range(given_t::width - 1, 0) = given.range(given_t::width - 1, 0);
            unsigned n = CONFIG_T::n_numbers == 1 ? 0 : c;
            if (CONFIG_T::n_lines == 2 && code >= CONFIG_T::split(n))
                n += CONFIG_T::n_numbers;
            typename CONFIG_T::sum_t sum = CONFIG_T::factor(n) * code + CONFIG_T::offset(n);
            typename CONFIG_T::sum_t level = sum >> CONFIG_T::shift;
            if (CONFIG_T::half_even) {
                // To the nearest, ties to even: more than half a step is left, or half a step above an odd level.
                const typename CONFIG_T::sum_t step = typename CONFIG_T::sum_t(1) << CONFIG_T::shift;
                const typename CONFIG_T::sum_t whole = level << CONFIG_T::shift;
                const typename CONFIG_T::sum_t twice = (sum - whole) << 1;
                if (twice > step || (twice == step && level[0] == 1))
                    level = level + 1;
            }
            if (level < CONFIG_T::low)
                level = CONFIG_T::low;
            if (level > CONFIG_T::high)
                level = CONFIG_T::high;
            level_t held = 0;
            held.range(level_t::width - 1, 0) = level.range(level_t::width - 1, 0);
            out[c] = held;
        }
        res.write(out);
    }
}

} // namespace nnet

#endif
