#ifndef NNET_VALUE_LIMITS_STREAM_H_
#define NNET_VALUE_LIMITS_STREAM_H_

// Values, but no less and no more than two limits.

#include "nnet_each_value_stream.h"

namespace nnet {

template <class given_T, class limited_T, typename CONFIG_T> struct limited_value {
    static limited_T of(given_T value, unsigned) {
        #pragma HLS INLINE
        const limited_T low = of_code<limited_T>(CONFIG_T::low), high = of_code<limited_T>(CONFIG_T::high);
        if (value < low)
            return low;
        if (value > high)
            return high;
        const limited_T within = value;
        return within;
    }
};

template <class data_T, class res_T, typename CONFIG_T>
void value_limits(hls::stream<data_T> &image, hls::stream<res_T> &limited) {
    each_value<limited_value, CONFIG_T>(image, limited);
}

} // namespace nnet

#endif
