package verify

import (
	"math"
	"time"
)

// PreviewPrices are the prices that a preview counts with, in US dollars, and
// what it takes for granted beside them.
type PreviewPrices struct {
	// Region and Date say where and when AWS listed them.
	Region string `json:"region"`
	Date   string `json:"date"`
	// IngestUSDPerGB is the price of taking in a gigabyte in the log class
	// Standard, IngestIAUSDPerGB in Infrequent Access.
	IngestUSDPerGB   float64 `json:"ingestUSDPerGB"`
	IngestIAUSDPerGB float64 `json:"ingestIAUSDPerGB"`
	// StorageUSDPerGBMonth is the price of keeping a compressed gigabyte for a
	// month, and Compressed what part of its size an event is taken to have
	// then.
	StorageUSDPerGBMonth float64 `json:"storageUSDPerGBMonth"`
	Compressed           float64 `json:"compressed"`
}

// Prices are the list prices of Amazon CloudWatch Logs, before the free tier of
// 5 GB. Other regions have their own, up to about half as much again.
var Prices = PreviewPrices{
	Region:               "us-east-1",
	Date:                 "2026-11",
	IngestUSDPerGB:       0.50,
	IngestIAUSDPerGB:     0.25,
	StorageUSDPerGBMonth: 0.03,
	Compressed:           0.15, // an assumption: JSON documents that are much alike
}

const (
	// gigabyte is AWS's.
	gigabyte = 1 << 30
	// month is what costs are told for.
	month = 30 * 24 * time.Hour
)

// PreviewCost is what a volume of log events costs each month, in US dollars.
type PreviewCost struct {
	BytesPerMonth       int64   `json:"bytesPerMonth"`
	IngestUSDPerMonth   float64 `json:"ingestUSDPerMonth"`
	IngestIAUSDPerMonth float64 `json:"ingestIAUSDPerMonth"`
	// StorageUSDPerMonthKept is what one month's events cost for each month that
	// they are kept: with a retention of six months, six times this a month.
	StorageUSDPerMonthKept float64 `json:"storageUSDPerMonthKept"`
}

func costOf(bytesPerMonth float64) PreviewCost {
	gb := bytesPerMonth / gigabyte
	return PreviewCost{
		BytesPerMonth:          int64(math.Round(bytesPerMonth)),
		IngestUSDPerMonth:      dollars(gb * Prices.IngestUSDPerGB),
		IngestIAUSDPerMonth:    dollars(gb * Prices.IngestIAUSDPerGB),
		StorageUSDPerMonthKept: dollars(gb * Prices.Compressed * Prices.StorageUSDPerGBMonth),
	}
}

// dollars rounds to a hundredth of a cent.
func dollars(usd float64) float64 { return math.Round(usd*1e4) / 1e4 }
