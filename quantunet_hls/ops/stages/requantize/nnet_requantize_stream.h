#ifndef NNET_REQUANTIZE_STREAM_H_
#define NNET_REQUANTIZE_STREAM_H_

// Integers into the levels of a quantizer: clip((factor * code + offset) >> shift, low, high), with numbers of each
// channel, or one for all; where there are two lines, the second holds from the channel's split on.

#include "nnet_each_value_stream.h"

namespace nnet {

template <class given_T, class level_T, typename CONFIG_T> struct multiplied_level {
    static level_T of(given_T value, unsigned channel) {
        #pragma HLS INLINE
        typedef typename CONFIG_T::sum_t sum_t;
        const ap_int<CONFIG_T::code_bits> code = code_of<CONFIG_T::code_bits>(value);
        unsigned n = CONFIG_T::n_numbers == 1 ? 0 : channel;
        if (CONFIG_T::n_lines == 2 && code >= CONFIG_T::split(n))
            n += CONFIG_T::n_numbers;
        const sum_t sum = CONFIG_T::factor(n) * code + CONFIG_T::offset(n);
        sum_t level = sum >> CONFIG_T::shift;
        if (CONFIG_T::half_even) {
            // To the nearest, ties to even: more than half a step is left, or half a step above an odd level.
            const sum_t step = sum_t(1) << CONFIG_T::shift;
            const sum_t whole = level << CONFIG_T::shift;
            const sum_t twice = (sum - whole) << 1;
            if (twice > step || (twice == step && level[0] == 1))
                level = level + 1;
        }
        if (level < CONFIG_T::low)
            level = CONFIG_T::low;
        if (level > CONFIG_T::high)
            level = CONFIG_T::high;
        return of_code<level_T>(level);
    }
};

template <class data_T, class res_T, typename CONFIG_T>
void requantize(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    each_value<multiplied_level, CONFIG_T>(data, res);
}

} // namespace nnet

#endif
