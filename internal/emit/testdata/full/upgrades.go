package jobs

// upgrades is what the author of a package writes by hand.
type upgrades struct{}

func (upgrades) UpgradeOrderV2(OrderJobV2) (OrderJobV3, error) { return OrderJobV3{}, nil }

func (upgrades) UpgradeOrderV3(OrderJobV3) (OrderJob, error) { return NewOrderJob(""), nil }
